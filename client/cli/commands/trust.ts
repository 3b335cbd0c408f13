import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { DomainError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { holdersWho } from '../../../domain/evidence/trust-succession.ts';
import { parseProposal, signProposal, type TrustProposal } from '../../trust-proposal.ts';
import {
  type Cli,
  installationOf,
  printJson,
  wantsJson,
  withControlPlane,
  withProgress,
  writeNewFile,
} from '../cli.ts';
import { trustText } from '../trust-text.ts';

/** Who may do what here, and how that is changed (docs/guide/rotate-trust.md). */
export function addTrust(program: Command, cli: Cli): void {
  const trust = program.command('trust').description('who may do what here, and the next version of that');
  addShow(trust, cli);
  addPropose(trust, cli);
  addSign(trust, cli);
  addApply(trust, cli);
}

function addShow(trust: Command, cli: Cli): void {
  trust
    .command('show')
    .description('the trust document in force, or an earlier version; with --json the document itself')
    .option('--version <n>', 'a version that was in force', versionNumber)
    .addHelpText('after', '\nExample:\n  resilience-ctl trust show --json > next.json\n')
    .action(async ({ version }: { version?: number }, command: Command) => {
      const shown = await withControlPlane(cli, ({ trust: desk }) =>
        withProgress(cli, 'Reading the log', desk.show(version)),
      );
      if (wantsJson(command)) return printJson(cli, shown.document);
      cli.stdout.write(trustText(shown));
    });
}

function addPropose(trust: Command, cli: Cli): void {
  trust
    .command('propose')
    .description('check the next trust document, say what it changes, and write a proposal to be signed')
    .argument('<file>', 'the whole document, in JSON or YAML, with the next version number')
    .option('--out <file>', 'where the proposal goes', 'trust-proposal.json')
    .addHelpText('after', '\nExample:\n  resilience-ctl trust propose next.json\n')
    .action(async (file: string, { out }: { out: string }, command: Command) => {
      const { proposal, changes } = await withControlPlane(cli, ({ trust: desk }) =>
        withProgress(cli, 'Reading the log', desk.propose(readValue(cli, file))),
      );
      writeNewFile(cli, command, out, textOf(proposal));
      const { document } = proposal.statement;
      if (wantsJson(command)) {
        return printJson(cli, {
          proposal: out,
          version: document.version,
          digest: digestOf(document),
          changes,
        });
      }
      cli.stdout.write(
        `Version ${document.version} of the trust document, ${digestOf(document)}:\n` +
          (changes.length === 0 ? '  changes nothing\n' : changes.map((line) => `  ${line}\n`).join('')) +
          `Written to ${out}. Next: \`resilience-ctl trust sign ${out} --as HOLDER\`.\n`,
      );
    });
}

function addSign(trust: Command, cli: Cli): void {
  trust
    .command('sign')
    .description("add a root holder's signature to a proposal; needs no network")
    .argument('<proposal>', 'the file that `trust propose` wrote')
    .requiredOption('--as <holder>', 'whose root key signs')
    .addHelpText('after', '\nExample:\n  resilience-ctl trust sign trust-proposal.json --as dora\n')
    .action(async (file: string, { as: holder }: { as: string }, command: Command) => {
      const { openRootSigner } = await import('../../compose.ts');
      const signer = openRootSigner(installationOf(cli), holder);
      const proposal = await signProposal(parseProposal(readValue(cli, file)), holder, signer);
      writeFileSync(resolve(cli.folder, file), textOf(proposal));
      const { document } = proposal.statement;
      const { signed, missing } = holdersWho(
        document.root,
        proposal.signatures.map(({ keyid }) => keyid),
      );
      if (wantsJson(command))
        return printJson(cli, { proposal: file, digest: digestOf(document), signed, missing });
      cli.stdout.write(
        `${holder} signed version ${document.version}, ${digestOf(document)}.\n` +
          `Of its own root, ${signed.length} of ${document.root.threshold} needed: ${signed.join(', ') || 'nobody'}.\n`,
      );
    });
}

function addApply(trust: Command, cli: Cli): void {
  trust
    .command('apply')
    .description('append a signed proposal to the log: it applies from the next entry on')
    .argument('<proposal>', 'the file that `trust sign` completed')
    .addHelpText('after', '\nExample:\n  resilience-ctl trust apply trust-proposal.json\n')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { version, digest, index } = await withControlPlane(cli, ({ trust: desk }) =>
        withProgress(cli, 'Appending the entry', desk.apply(parseProposal(readValue(cli, file)))),
      );
      if (wantsJson(command)) return printJson(cli, { version, digest, index });
      cli.stdout.write(`Entry ${index} puts version ${version} of the trust document in force, ${digest}.\n`);
    });
}

function readValue(cli: Cli, file: string): unknown {
  try {
    // JSON is YAML 1.2 as well.
    return parse(readFileSync(resolve(cli.folder, file), 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DomainError(
      'REQUEST_UNREADABLE',
      `${file} cannot be read: ${why}`,
      { next: 'Correct it.' },
      cause,
    );
  }
}

function textOf(proposal: TrustProposal): string {
  return `${JSON.stringify(proposal, null, 2)}\n`;
}

function versionNumber(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version >= 1) return version;
  throw new InvalidArgumentError('it is a whole number from 1');
}
