import { readExportFolder } from '../client/audit/export-folder.ts';
import { verifyExport } from '../domain/evidence/verify-export.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { NOW_MS, pins } from '../test/support/audited-log.ts';
import { nowMs } from './aws-calls.ts';

/** A process that verifies one export and prints what it cost, as JSON. */
export interface VerifyFigures {
  ms: number;
  signatures: number;
  /** Of those calls alone: the floor, as long as they are made one after the other. */
  signatureMs: number;
  /** The largest resident size of the process, imports and all. */
  peakMiB: number;
}

const [, , dir] = process.argv;
if (dir === undefined) throw new Error('usage: verify-export FOLDER');
let [signatures, signatureMs] = [0, 0];
const verify: VerifyEd25519 = (...signed) => {
  const startMs = nowMs();
  const verified = verifyEd25519(...signed);
  signatureMs += nowMs() - startMs;
  signatures += 1;
  return verified;
};
const startMs = nowMs();
const { ok, discrepancies } = await verifyExport(readExportFolder(dir), { verify, nowMs: NOW_MS, pins });
const ms = nowMs() - startMs;
if (!ok) throw new Error(JSON.stringify(discrepancies.slice(0, 5)));
const peakMiB = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify({ ms, signatures, signatureMs, peakMiB } satisfies VerifyFigures));
