import { CancellationScope, condition } from '@temporalio/workflow';
import type { CastVote } from '../../activities/vote.ts';
import type { Violation } from '../../domain/errors.ts';
import { tallyVotes } from '../../domain/quorum/tally.ts';
import { orchestrator, voter } from '../activities.ts';
import { type ChangeRun, STOPPED, type Stopped } from '../change-run.ts';
import { VOTER_ZONES } from '../contract.ts';
import type { PhaseOutcome } from './outcome.ts';

const QUORUM_RETRY_MS = 10_000;

/** Each zone's voter plans again for itself and votes; enough equal answers, and no safety no, let the change on. */
export async function quorum(run: ChangeRun): Promise<PhaseOutcome> {
  for (;;) {
    const interrupted = await run.safePoint();
    if (interrupted) return STOPPED;
    const asked = await run.untilStopped(() => askQuorum(run));
    if (asked === STOPPED) return STOPPED;
    if (asked.decision === 'granted') return 'passed';
    if (asked.decision === 'denied') {
      run.refuse(asked.reasons);
      return 'refused';
    }
    const stopped = await run.hold(
      `too few zones answered (${asked.reasons.map((reason) => reason.message).join('; ')})`,
      'Bring the voters back; it asks again by itself.',
      QUORUM_RETRY_MS,
    );
    if (stopped) return STOPPED;
  }
}

/** One round: as soon as it is decided, whoever has not answered is not waited for. */
async function askQuorum(
  run: ChangeRun,
): Promise<{ decision: 'granted' | 'denied' | 'lost'; reasons: Violation[] } | Stopped> {
  const summary = run.progress.plan;
  if (summary === null) throw new Error('quorum before plan');
  const { planDigest, planIndex, votesNeeded } = summary;
  run.progress.quorumRound += 1;
  const round = run.progress.quorumRound;
  const cast: CastVote[] = [];
  const failed = new Set<string>();
  const tally = (votes: readonly CastVote[], open: number) =>
    tallyVotes(
      votes.map(({ vote }) => vote),
      {
        needed: votesNeeded,
        planDigest,
        voters: VOTER_ZONES.map((zone) => `voter.${zone}`),
        open,
      },
    );
  const tallyNow = () => tally(cast, VOTER_ZONES.length - cast.length - failed.size);

  const scope = new CancellationScope();
  const asking = scope.run(() =>
    Promise.all(
      VOTER_ZONES.map(async (zone) => {
        try {
          cast.push(await voter(zone).vote({ changeId: run.status.changeId, planDigest, planIndex, round }));
        } catch {
          // Cut off, broken, too late, or no longer needed.
          failed.add(zone);
        }
      }),
    ),
  );
  await condition(() => tallyNow().decision !== 'undecided');
  const atOnce = tallyNow();
  const silent = new Set(failed);
  scope.cancel();
  await asking;

  run.progress.quorumAtMs = Date.now();
  const genuine = await recordVotes(run, cast);
  if (genuine === STOPPED) return STOPPED;
  // Whoever answers in a voter's place can only keep that voter silent.
  for (const { vote } of cast.filter((one) => !genuine.includes(one))) silent.add(vote.voterZone);
  showVotes(run, genuine, silent);
  const { decision, reasons } = genuine.length === cast.length ? atOnce : tally(genuine, 0);
  return { decision: decision === 'undecided' ? 'lost' : decision, reasons };
}

/** Those that are their voters' own. */
async function recordVotes(run: ChangeRun, cast: readonly CastVote[]): Promise<CastVote[] | Stopped> {
  if (cast.length === 0) return [];
  const envelopes = cast.map(({ envelope }) => envelope);
  const recorded = await run.persist('recording votes', () => orchestrator.recordVotes({ envelopes }));
  return recorded === STOPPED ? STOPPED : cast.filter((_, i) => recorded.indices[i] !== null);
}

/** A zone that had not answered when the others had decided it was not needed; one that failed did not answer. */
function showVotes(run: ChangeRun, cast: readonly CastVote[], failed: ReadonlySet<string>): void {
  run.status.votes = VOTER_ZONES.map((zone) => {
    const given = cast.find(({ vote }) => vote.voterZone === zone)?.vote;
    const silent = failed.has(zone) ? 'no-answer' : 'not-needed';
    return { voter: `voter.${zone}`, decision: given?.decision ?? silent, reasons: given?.reasons ?? [] };
  });
}
