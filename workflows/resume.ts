import { isCancellation, log, sleep } from '@temporalio/workflow';
import type { ResumptionStanding } from '../activities/resumption.ts';
import { analysis, orchestrator, voter } from './activities.ts';
import type { ResumeInput } from './contract.ts';

/** An inconclusive verdict is asked for again, however short the watch is. */
const SHORTEST_WAIT_MS = 2_000;

/**
 * Releases a scope, one availability zone after another, each after a signed verdict (`ResumptionPredicate`). The
 * verdict is about what the releases before it brought. A fail freezes the scope again; an inconclusive one holds, pages
 * once, and is asked for again. Ends when nothing is left to release, or an operator said something else meanwhile.
 */
export async function resume({ freezeIndex, watchMs }: ResumeInput): Promise<ResumptionStanding['state']> {
  let paged: string | null = null;
  for (let standing: ResumptionStanding | null = null; ; ) {
    try {
      standing ??= await orchestrator.resumptionStanding({ freezeIndex });
      if (standing.next === null) return standing.state;
      const { released, next } = standing;
      const seen = await Promise.all([...released, next].map(zoneAsItsVoterSeesIt));
      const { envelope } = await analysis(watchMs).judgeResumption({ freezeIndex, az: next, zones: seen });
      standing = await orchestrator.recordResumption({ freezeIndex, envelope });
      const summary = alarm(standing, next);
      if (summary !== null && summary !== paged) {
        paged = summary;
        await orchestrator.page({ changeId: `automation, entry ${freezeIndex}`, summary, next: NEXT });
      }
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the resumption waits', { freezeIndex, error: String(error) });
      standing = null;
    }
    await sleep(Math.max(watchMs, SHORTEST_WAIT_MS));
  }
}

const NEXT = 'See `resilience-ctl automation status --verbose`; freeze again, or resume when it is well.';

function alarm({ state, next, lastReasons }: ResumptionStanding, asked: string): string | null {
  if (state === 'frozen') return `automation is frozen again before ${asked}: ${lastReasons.join('; ')}`;
  return next === asked ? `automation holds before ${asked}: ${lastReasons.join('; ')}` : null;
}

/** A voter that does not answer is a zone of which nobody knows how it is. */
async function zoneAsItsVoterSeesIt(az: string) {
  try {
    return { az, seen: await voter(az).observeZone() };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { az, seen: null };
  }
}
