import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExportFolder, readExportFolder } from '../../client/audit/export-folder.ts';
import { writeExport } from '../../client/audit/write-export.ts';
import { exportVerdictText } from '../../client/cli/audit-text.ts';
import { type ExportVerdict, verifyExport } from '../../domain/evidence/verify-export.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import type { Demo } from './demo.ts';

/** Longer than the orchestrator takes to publish what is new. */
const PUBLISHED_MS = 15_000;
const POLL_MS = 200;

/** An auditor takes home all that happened before, verifies it offline, and catches one changed byte. */
export async function evidence(demo: Demo): Promise<void> {
  demo.heading('The auditor takes it all home and verifies it, trusting nobody');
  const dir = join(demo.home, 'evidence');
  await untilPublished(demo);
  const means = { verify: verifyEd25519, nowMs: Date.now() };
  const { size, changes, files } = await writeExport(
    demo.connected.evidence,
    await createExportFolder(dir),
    {},
    means,
  );
  demo.say(`exported ${size} entries and what ${changes.length} changes were about: ${files} files`);
  // From here on nothing but the folder is read.
  const verify = () => verifyExport(readExportFolder(dir), means);
  const sound = await verify();
  show(demo, sound);
  demo.prove(
    `${sound.size} entries are one cosigned log, and each of ${sound.effects.judged} effects had its proof before it`,
    sound.ok && sound.size === size && sound.effects.judged > 0 && sound.effects.unjudged === 0,
  );

  const listed = await readExportFolder(dir).list();
  const file = listed.find((one) => one.startsWith('tiles/tile/entries/')) ?? '';
  changeOneByte(join(dir, file));
  demo.say(`somebody changes one byte of ${file}`);
  const tampered = await verify();
  show(demo, tampered);
  const entry = tampered.discrepancies.find((one) => one.entry !== null)?.entry;
  demo.prove(
    `the changed byte is caught, and named: entry ${entry}, in ${file}`,
    !tampered.ok && entry !== undefined && tampered.discrepancies.some((one) => one.file === file),
  );
}

/** Until a cosigned checkpoint covers every entry that there is. */
async function untilPublished({ connected }: Demo): Promise<void> {
  let size = 0;
  for await (const _ of connected.evidence.entries()) size += 1;
  const deadlineMs = Date.now() + PUBLISHED_MS;
  while (((await connected.checkpoint())?.size ?? 0) < size) {
    if (Date.now() > deadlineMs) throw new Error(`No checkpoint covers the ${size} entries of the log.`);
    await sleep(POLL_MS);
  }
}

function changeOneByte(file: string): void {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function show({ style }: Demo, verdict: ExportVerdict): void {
  process.stdout.write(exportVerdictText(verdict, 'evidence', style).replace(/^(?=.)/gm, '        '));
}
