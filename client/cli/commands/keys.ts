import type { Command } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import { type Cli, installationOf, printJson, wantsJson, withControlPlane } from '../cli.ts';

export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('private keys of people on this machine');
  keys
    .command('create')
    .description('make a key, and show what the trust document must list for it')
    .argument('<subject>', 'who the key is for')
    .addHelpText('after', '\nExample:\n  resilience-ctl keys create dora@example.com\n')
    .action(async (subject: string, _options: unknown, command: Command) => {
      const { createKey } = await import('../../compose.ts');
      const key = createKey(installationOf(cli), subject);
      if (wantsJson(command)) {
        printJson(cli, key);
        return;
      }
      const listed = JSON.stringify({
        subject,
        roles: ['author'],
        keys: [{ keyId: key.keyId, publicKey: key.publicKey }],
      });
      cli.stdout.write(
        `The private key is in ${key.file}; it never leaves this machine.\n` +
          `It counts once the trust document lists, with the roles that this person is to have:\n  ${listed}\n`,
      );
    });
  keys
    .command('list')
    .description('who has a key here, and what the trust document lets each do')
    .addHelpText('after', '\nExample:\n  resilience-ctl keys list\n')
    .action(async (_options: unknown, command: Command) => {
      const { listKeys, pinnedTrust } = await import('../../compose.ts');
      const installation = installationOf(cli);
      const trust = await withControlPlane(cli, async ({ trust }) => (await trust.show()).document).catch(
        (error: unknown) => {
          if (error instanceof DomainError && error.kind === 'unavailable') return pinnedTrust(installation);
          throw error;
        },
      );
      const known = listKeys(installation, trust);
      if (wantsJson(command)) {
        printJson(cli, { keys: known });
        return;
      }
      for (const { subject, keyId, roles } of known) {
        cli.stdout.write(
          `${subject.padEnd(24)}  ${keyId}  ${roles.join(', ') || 'not in the trust document'}\n`,
        );
      }
      if (known.length === 0)
        cli.stdout.write('No keys here. Make one with `resilience-ctl keys create SUBJECT`.\n');
    });
}
