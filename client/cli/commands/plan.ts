import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { locate, readRequestFile } from '../../request-file.ts';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { violationsText } from '../error-text.ts';
import { exitStatusOf } from '../exit-status.ts';
import { planText } from '../plan-text.ts';

export function addPlan(program: Command, cli: Cli): void {
  program
    .command('plan')
    .description(
      'show what a change would do, its risk, and everything that would refuse it; changes nothing',
    )
    .argument('<file>', 'change request in YAML')
    .addHelpText('after', '\nExample:\n  resilience-ctl plan examples/good-change.yaml\n')
    .action((file: string, _options: unknown, command: Command) => showPlan(cli, file, wantsJson(command)));
}

async function showPlan(cli: Cli, file: string, json: boolean): Promise<void> {
  const { request, positionOf } = readRequestFile(file);
  const preview = await withControlPlane(cli, ({ controlPlane }) =>
    withProgress(cli, 'Reading the log and the zone', controlPlane.plan(`preview-${randomUUID()}`, request)),
  );
  const violations = locate(preview.violations, positionOf);
  const [first] = violations;
  if (first) cli.exitStatus = exitStatusOf(new DomainError(first.code, first.message));

  if (json) {
    const planDigest = preview.plan && digestOf(preview.plan);
    printJson(cli, { plan: preview.plan, planDigest, needs: preview.needs, violations });
    return;
  }
  const style = styleOf(cli, json);
  if (preview.plan) cli.stdout.write(planText(preview.plan, preview.needs, style));
  if (!first) {
    cli.stdout.write(`\nNothing stands against it. Submit it with: resilience-ctl submit ${file} --watch\n`);
    return;
  }
  cli.stdout.write(`\n${style('red', `It would be refused, for ${violations.length} reason(s):`)}\n`);
  cli.stdout.write(violationsText(violations, style, file));
}
