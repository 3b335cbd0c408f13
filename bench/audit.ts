import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExportFolder } from '../client/audit/export-folder.ts';
import { writeExport } from '../client/audit/write-export.ts';
import type { Predicates } from '../domain/evidence/statements.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { LogWriter, NOW_MS, sourceOf } from '../test/support/audited-log.ts';
import type { PlainType } from '../test/support/sample-log.ts';
import { nowMs } from './aws-calls.ts';
import { amountOf, type Run } from './part.ts';
import type { Measured } from './report.ts';
import type { VerifyFigures } from './verify-export.ts';

const ENTRIES = 100_000;
const COMMIT_EVERY_MS = 5 * 60_000;
/** What is aimed at: everything else may cost twice what the signatures alone cost. */
const TIMES_SIGNATURES = 3;

/**
 * `audit verify` of an export: whole changes of records, each with its request, plan, three votes, approval, stages,
 * verdict and commit, and all their bodies. In a process of its own, so that its peak of memory is its own.
 */
export async function measureAudit(run: Run): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'resilience-bench-audit-'));
  try {
    const startMs = nowMs();
    const writer = await makeLog(amountOf(run, ENTRIES));
    const madeMs = nowMs();
    const folder = await createExportFolder(join(dir, 'export'));
    await writeExport(await sourceOf(writer), folder, {}, { verify: verifyEd25519, nowMs: NOW_MS });
    const exportMs = nowMs() - madeMs;
    run.say(`${writer.entries.length} entries made in ${Math.round(madeMs - startMs)} ms and exported`);
    const { ms, signatures, signatureMs, peakMiB } = verifyIn(join(dir, 'export'));
    const entries = `${writer.entries.length} entries`;
    return {
      findings: [
        {
          name: `14 audit verify of ${entries} / its ${signatures} signatures alone`,
          ratio: ms / signatureMs,
          bound: 'max',
          target: TIMES_SIGNATURES,
        },
      ],
      figures: {
        [`audit export of ${entries}, ms`]: exportMs,
        [`audit verify of ${entries}, ms`]: ms,
        'its signatures alone, ms': signatureMs,
        'audit verify, peak memory MiB': peakMiB,
      },
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Commits five minutes apart: the fold goes over those of the last day at each one. */
class PacedWriter extends LogWriter {
  #nowMs = NOW_MS;

  override say<T extends PlainType>(type: T, about: Partial<Predicates[T]>): Promise<number> {
    if (type !== 'commit') return super.say(type, about);
    this.#nowMs += COMMIT_EVERY_MS;
    return super.say(type, { ...about, at: new Date(this.#nowMs).toISOString() });
  }
}

async function makeLog(entries: number): Promise<LogWriter> {
  const writer = new PacedWriter();
  await writer.begin();
  const addresses = ['192.0.2.1', '192.0.2.2'] as const;
  let fence: string | null = null;
  for (let i = 0; writer.entries.length < entries; i += 1) {
    const [from, to] = i % 2 === 0 ? addresses : addresses.toReversed();
    fence = await writer.goodChange(`change-${i}`, from ?? '', to ?? '', fence);
  }
  return writer;
}

function verifyIn(dir: string): VerifyFigures {
  const program = fileURLToPath(new URL('verify-export.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, dir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The export does not verify: ${stderr}${stdout}`);
  return JSON.parse(stdout) as VerifyFigures;
}
