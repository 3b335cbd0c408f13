import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import { decodePins, type Pins } from '../../../domain/evidence/export-layout.ts';
import { verifyProof } from '../../../domain/evidence/proof.ts';
import { replayChange } from '../../../domain/evidence/replay-change.ts';
import { verifyExport } from '../../../domain/evidence/verify-export.ts';
import type { LogState } from '../../../domain/log/state.ts';
import { buildOf, type EvidenceSource } from '../../audit/evidence-source.ts';
import { createExportFolder, openExport, readExportFolder } from '../../audit/export-folder.ts';
import { type FoldedEntry, foldedEntries } from '../../audit/folded-entries.ts';
import { isAbout, liveAt, storiesOf, type TimelineFilter } from '../../audit/timeline.ts';
import { writeExport } from '../../audit/write-export.ts';
import { writeProof } from '../../audit/write-proof.ts';
import {
  buildText,
  decisionText,
  exportVerdictText,
  liveAtText,
  proofVerdictText,
  storyText,
} from '../audit-text.ts';
import { type Cli, endWith, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';

export function addAudit(program: Command, cli: Cli): void {
  const audit = program
    .command('audit')
    .description('what an auditor does: take the evidence home, verify it offline, ask it');
  addExport(audit, cli);
  addVerify(audit, cli);
  addProve(audit, cli);
  addTimeline(audit, cli);
  addReplay(audit, cli);
}

/** Tests bring their own clock; keys are checked by OpenSSL. */
async function means(cli: Cli) {
  const { verifyEd25519 } = await import('../../compose-offline.ts');
  return { verify: verifyEd25519, nowMs: cli.nowMs() };
}

interface ExportOptions {
  out: string;
  since?: string;
  until?: string;
  change?: string;
}

function addExport(audit: Command, cli: Cli): void {
  audit
    .command('export')
    .description(
      'write the log, its checkpoint, and all that its entries name, into a folder that proves itself',
    )
    .requiredOption('--out <dir>', 'a new folder')
    .option('--since <time>', 'bodies and histories only of changes with an entry since then', toTime)
    .option('--until <time>', 'and until then', toTime)
    .option('--change <change>', 'bodies and histories of this change alone')
    .addHelpText('after', '\nExample:\n  resilience-ctl audit export --out evidence --since 2026-01-01\n')
    .action(async ({ out, change, since, until }: ExportOptions, command: Command) => {
      const selection = {
        ...(change === undefined ? {} : { changeId: change }),
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
      };
      const summary = await withControlPlane(cli, async ({ evidence }) => {
        const folder = await createExportFolder(resolve(cli.folder, out));
        const written = writeExport(evidence, folder, selection, await means(cli));
        return withProgress(cli, 'Exporting', written);
      });
      const { missing, ...facts } = summary;
      if (wantsJson(command)) return printJson(cli, { dir: out, ...facts, missing });
      const { environment, size, changes, files } = facts;
      cli.stdout.write(
        `Exported ${size} entries of ${environment}, ${changes.length} changes with their bodies, ${files} files, to ${out}.\n`,
      );
      for (const { digest, entry } of missing) {
        cli.stderr.write(`The body ${digest}, which entry ${entry} names, is not in the store.\n`);
      }
      cli.stdout.write(`Verify it anywhere: resilience-ctl audit verify ${out}\n`);
    });
}

function addVerify(audit: Command, cli: Cli): void {
  audit
    .command('verify')
    .description('verify an export or a proof, offline: one verdict, and every discrepancy by entry and file')
    .argument('[path]', 'the folder of an export, or the file of a proof', '.')
    .option('--pins <file>', 'your own pins.json; without it, that of the export is believed')
    .addHelpText('after', '\nExample:\n  resilience-ctl audit verify evidence --pins pins.json\n')
    .action(async (path: string, options: { pins?: string }, command: Command) => {
      const at = resolve(cli.folder, path);
      if (!existsSync(at)) throw notThere(path);
      const pins =
        options.pins === undefined ? undefined : await readPinsFile(resolve(cli.folder, options.pins));
      const input = { ...(await means(cli)), pins };
      const json = wantsJson(command);
      const style = styleOf(cli, json);
      if ((await stat(at)).isDirectory()) {
        const verdict = await withProgress(cli, 'Verifying', verifyExport(readExportFolder(at), input));
        if (json) printJson(cli, verdict);
        else cli.stdout.write(exportVerdictText(verdict, path, style));
        endWith(cli, verdict.ok);
      } else {
        const { entries, ...verdict } = await verifyProof(new Uint8Array(await readFile(at)), input);
        if (json) printJson(cli, { ...verdict, entries: entries.map(({ index }) => index) });
        else cli.stdout.write(proofVerdictText({ ...verdict, entries }, path, style));
        endWith(cli, verdict.ok);
      }
    });
}

function addProve(audit: Command, cli: Cli): void {
  audit
    .command('prove')
    .description(
      'one change in one file that proves itself: entries, inclusion proofs, checkpoint, bodies, keys',
    )
    .argument('<change>', 'change id')
    .option('--out <file>', 'the default is <change>.proof.json')
    .addHelpText('after', '\nExample:\n  resilience-ctl audit prove chg-3f9a1c70b2d4 --out proof.json\n')
    .action(async (changeId: string, options: { out?: string }, command: Command) => {
      const file = options.out ?? `${changeId}.proof.json`;
      const { bytes, entries, size } = await withControlPlane(cli, async ({ evidence }) =>
        withProgress(cli, 'Proving', writeProof(evidence, changeId, await means(cli))),
      );
      await writeFile(resolve(cli.folder, file), bytes);
      if (wantsJson(command)) return printJson(cli, { changeId, file, entries, size });
      cli.stdout.write(
        `${entries} entries of change ${changeId}, proven under a checkpoint of ${size}, are in ${file}.\n`,
      );
      cli.stdout.write(`Verify it anywhere: resilience-ctl audit verify ${file}\n`);
    });
}

interface TimelineOptions {
  resource?: string;
  change?: string;
  actor?: string;
  at?: string;
}

function addTimeline(audit: Command, cli: Cli): void {
  audit
    .command('timeline')
    .description('who changed this, who allowed it, and what was live then')
    .option('--resource <resource>', 'changes of this resource')
    .option('--change <change>', 'this change')
    .option('--actor <name>', 'changes in which this person or voter had a say')
    .option('--at <time>', 'what was live then', toTime)
    .addHelpText('after', '\nExample:\n  resilience-ctl audit timeline --resource dns/example.com/api/A\n')
    .action((options: TimelineOptions, command: Command) =>
      withControlPlane(cli, ({ evidence }) => showTimeline(cli, evidence, options, wantsJson(command))),
    );
}

async function showTimeline(
  cli: Cli,
  evidence: EvidenceSource,
  { resource, change, actor, at }: TimelineOptions,
  json: boolean,
): Promise<void> {
  const { verify } = await means(cli);
  const style = styleOf(cli, json);
  const filter: TimelineFilter = {
    ...(resource === undefined ? {} : { resource }),
    ...(change === undefined ? {} : { changeId: change }),
    ...(actor === undefined ? {} : { actor }),
  };
  let state: Pick<LogState, 'live' | 'size'> = { live: {}, size: 0 };
  async function* upToThen(): AsyncGenerator<FoldedEntry> {
    for await (const entry of foldedEntries(evidence, verify)) {
      if (at !== undefined && isAfter(entry, at)) return;
      yield entry;
      state = entry.state;
    }
  }
  const stories = await withProgress(cli, 'Reading the log', storiesOf(upToThen()));
  const wanted = stories.filter((story) => isAbout(story, filter));
  if (at === undefined) {
    for (const story of wanted) {
      if (json) printJson(cli, story);
      else cli.stdout.write(storyText(story, style));
    }
    if (wanted.length === 0 && !json) cli.stdout.write('No change is like that.\n');
    return;
  }
  const then = liveAt(state, stories);
  const named = new Set(wanted.map(({ changeId }) => changeId));
  const answer = { at, ...then, live: then.live.filter(({ changeId }) => named.has(changeId)) };
  if (json) printJson(cli, answer);
  else cli.stdout.write(liveAtText(answer, at, style));
}

function isAfter({ statement, fate }: FoldedEntry, at: string): boolean {
  if (statement === null || fate.fate !== 'honoured' || !('at' in statement.predicate)) return false;
  return Date.parse(statement.predicate.at) > Date.parse(at);
}

function addReplay(audit: Command, cli: Cli): void {
  audit
    .command('replay')
    .description('make every decision of a change again, with this build, from the logged inputs')
    .argument('<change>', 'change id')
    .option('--from <dir>', 'an export, instead of the running environment')
    .addHelpText('after', '\nExample:\n  resilience-ctl audit replay chg-3f9a1c70b2d4 --from evidence\n')
    .action(async (changeId: string, { from }: { from?: string }, command: Command) => {
      const json = wantsJson(command);
      if (from === undefined) {
        return withControlPlane(cli, ({ evidence }) => showReplay(cli, evidence, changeId, json));
      }
      const dir = resolve(cli.folder, from);
      if (!existsSync(dir)) throw notThere(from);
      return showReplay(cli, await openExport(dir), changeId, json);
    });
}

async function showReplay(
  cli: Cli,
  evidence: EvidenceSource,
  changeId: string,
  json: boolean,
): Promise<void> {
  const { verifyEd25519, installedBuild, loadReplay } = await import('../../compose-offline.ts');
  const { environment, trust, entries, body } = evidence;
  const verify = verifyEd25519;
  const decisions = await withProgress(
    cli,
    'Making every decision again',
    replayChange({ changeId, environment, trust, verify, body, entries }),
  );
  const runs = [];
  const histories = await evidence.histories(changeId);
  for (const history of histories) {
    const { replayHistory } = await loadReplay();
    const why = await withProgress(cli, 'Replaying the workflow', replayHistory(history, changeId));
    runs.push({
      runId: history.runId,
      build: buildOf(history),
      result: why === null ? ('same' as const) : ('different' as const),
      why,
    });
  }
  if ([...decisions, ...runs].some(({ result }) => result === 'different')) endWith(cli, false);
  const here = installedBuild();
  if (json) return printJson(cli, { changeId, here, decisions, histories: runs });
  const style = styleOf(cli, json);
  for (const decision of decisions) cli.stdout.write(decisionText(decision, style));
  for (const { runId, build, result, why } of runs) {
    cli.stdout.write(
      `${style(result === 'same' ? 'green' : 'red', result)}  workflow history ${runId}, by build ${build ?? 'unknown'}${why === null ? '' : `  ${why}`}\n`,
    );
  }
  if (runs.length === 0)
    cli.stdout.write('No workflow history is left: the decisions above are from the log alone.\n');
  cli.stdout.write(`Decided again by ${buildText(here)}\n`);
}

async function readPinsFile(file: string): Promise<Pins> {
  if (!existsSync(file)) throw notThere(file);
  return decodePins(new Uint8Array(await readFile(file)));
}

function toTime(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('A time is like 2026-01-31 or 2026-01-31T12:00:00Z.');
  return new Date(ms).toISOString();
}

function notThere(path: string): DomainError {
  return new DomainError('NOT_FOUND', `${path} is not there.`, {
    next: 'Name the folder of an export, or the file of a proof.',
  });
}
