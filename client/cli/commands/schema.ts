import type { Command } from 'commander';
import { z } from 'zod';
import { changeRequestSchema } from '../../../domain/change/request.ts';
import type { Cli } from '../cli.ts';

export function addSchema(program: Command, cli: Cli): void {
  program
    .command('schema')
    .description('the JSON Schema of a change request, for editors')
    .addHelpText('after', '\nExample:\n  resilience-ctl schema > change-request.schema.json\n')
    .action(() => {
      cli.stdout.write(requestSchemaText());
    });
}

/** JSON Schema (draft 2020-12) of what an author may write: what has a default may be left out. */
export function requestSchemaText(): string {
  const schema = z.toJSONSchema(changeRequestSchema, { io: 'input' });
  return `${JSON.stringify({ title: 'resilience-ctl change request', ...schema }, null, 2)}\n`;
}
