import type { CommitPredicate, Rollout } from '../evidence/statements.ts';
import { own } from './authority.ts';
import { isWithdrawal } from './entry.ts';
import type { ChangeRecord, LiveVersion, LogState } from './state.ts';

/** All arms of the batch at once, as with a commit; the live versions stay what they are. */
export function recordExposure(
  exposure: CommitPredicate & { rollout: Rollout },
  change: ChangeRecord,
  state: LogState,
  index: number,
): void {
  change.exposures.push({ ...exposure, index });
  const { changeId, rollout } = exposure;
  const withdrawn = isWithdrawal(rollout);
  for (const { resource, to, version, versionDigest } of exposure.moves) {
    const live = own(state.live, resource);
    if (!withdrawn) {
      const { percent, zones } = rollout;
      const canary = { digest: to, version, versionDigest, percent, zones, changeId, index };
      state.live[resource] = { ...(live ?? notYetLive(changeId, index)), canary };
    } else if (live?.canary?.changeId === changeId) {
      withdrawArm(resource, live, changeId, state);
    }
  }
}

/** Where a new resource's canary hangs until it is committed. */
function notYetLive(changeId: string, index: number): LiveVersion {
  return {
    digest: null,
    version: null,
    versionDigest: null,
    parent: null,
    clock: 0,
    vector: {},
    dependsOn: [],
    changeId,
    index,
    canary: null,
  };
}

/** An open change has committed nothing: what is live by its name is only where its canary hangs. */
function withdrawArm(resource: string, live: LiveVersion, changeId: string, state: LogState): void {
  if (live.changeId === changeId) delete state.live[resource];
  else live.canary = null;
}

/**
 * Whoever takes a document from a change under way takes all of that change's arms away: a batch is never half visible.
 */
export function withdrawDisplaced({ moves }: Pick<CommitPredicate, 'moves'>, state: LogState): void {
  const displaced = new Set(moves.map(({ resource }) => own(state.live, resource)?.canary?.changeId));
  for (const [resource, live] of Object.entries(state.live)) {
    const holder = live.canary?.changeId;
    if (holder !== undefined && displaced.has(holder)) withdrawArm(resource, live, holder, state);
  }
}
