import { enactor, orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED, type Stopped } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

const RECORD_RETRY_MS = 5_000;

/** Runs the newest undo entry (it leads straight back to the base), reads back, and records the end. */
export async function rollingBack(run: ChangeRun): Promise<PhaseOutcome> {
  const undone = await undo(run);
  if (undone === STOPPED) return STOPPED;
  if (undone === 'committed') {
    run.status.undo = [];
    return 'passed';
  }
  // Compared with false: the answer of an older build, in a history that is replayed, does not say.
  if (undone.wasLive === false) {
    run.status.undo = [];
    return 'restored';
  }
  const summary = run.progress.plan;
  if (summary === null) throw new Error('rollback before plan');
  for (;;) {
    const { planDigest } = summary;
    const found = await run.persist('reading back', () =>
      orchestrator.verifyLive({ planDigest, expect: 'before' }),
    );
    if (found === STOPPED) return STOPPED;
    if (found.violations.length === 0) break;
    const stopped = await run.hold(
      `production is not as before: ${found.violations.map((violation) => violation.message).join('; ')}`,
      'Put the records back by hand, then continue.',
    );
    if (stopped) return STOPPED;
  }
  run.status.undo = [];
  return 'restored';
}

async function undo(run: ChangeRun): Promise<{ wasLive: boolean } | 'committed' | Stopped> {
  const entry = run.status.undo[0];
  if (entry === undefined) return { wasLive: false };
  const { changeId, intentIndex } = entry.input;
  for (;;) {
    const back = await run.persist('rolling back', () => enactor.rollBack({ changeId, intentIndex }));
    if (back === STOPPED) return STOPPED;
    // By a run before this one, which was reset.
    if (back.result === 'committed') return 'committed';
    if (back.result === 'stuck') {
      const stopped = await run.hold(
        back.violations.map((violation) => violation.message).join('; '),
        back.violations[0]?.remedy ?? 'See why, mend it, then continue.',
      );
      if (stopped) return STOPPED;
    } else if (back.recorded) {
      return { wasLive: back.wasLive };
    } else {
      const stopped = await run.waitFor(
        'production is as before; the log cannot record it yet',
        'the log',
        () => false,
        RECORD_RETRY_MS,
      );
      if (stopped) return STOPPED;
    }
  }
}
