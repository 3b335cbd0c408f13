import { builtOn, fenceIndex, landed } from '../kinds/dns-fence.ts';
import type { Indexed } from '../log/state.ts';
import type {
  FencePredicate,
  IntentPredicate,
  OutcomePredicate,
  OverrideIntentPredicate,
  OverrideOutcomePredicate,
} from './statements.ts';

/** Follows the fences of every zone through the log. Each method says what is wrong, or null. */
export interface FenceTrail {
  intent(intent: Indexed<IntentPredicate>): string | null;
  /** A fence replaced for a freeze or a recovery, that moves no record. */
  raised(fence: Indexed<FencePredicate>): string | null;
  outcome(outcome: Indexed<OutcomePredicate>): string | null;
  /** Break-glass; `mark` stands for it in a fence that it built without the log. */
  override(
    intent: Indexed<Omit<OverrideIntentPredicate, 'override' | 'factors'>>,
    mark: string,
  ): string | null;
  overrideOutcome(outcome: Indexed<OverrideOutcomePredicate>): string | null;
  /** Overrides in fences that no entry has explained so far: the spool of each is still to come. */
  unexplained(): { index: number; zone: string; mark: string }[];
}

/**
 * Whether the log explains the fence of every zone (DESIGN §6, DNS effect): an intent, or a fence raised for a freeze or recovery, replaces nothing, or a fence
 * that an earlier one of the same zone wrote; an effect that an outcome calls applied is in the chain behind the
 * fence that was live then, and one that it calls not applied is not; and all applied effects of a zone are in one
 * chain. Two writers that both got through would show as two.
 */
export function createFenceTrail(): FenceTrail {
  /** What each fence that the log explains was to replace. */
  const replaced = new Map<number, { zone: string; expected: string | null }>();
  const intentsOf = new Map<string, number[]>();
  const lastFence = new Map<string, string | null>();
  const overrides = new Map<string, { zone: string; fence: string }>();
  const explained = new Set<string>();
  const marks: { index: number; zone: string; mark: string }[] = [];
  const expectedOf = (index: number) => replaced.get(index)?.expected;

  function intent({ index, zone, expectedFence, ...said }: Indexed<IntentPredicate>): string | null {
    if (zone === null) return null;
    intentsOf.set(effectOf(said), [...(intentsOf.get(effectOf(said)) ?? []), index]);
    return replaces({ index, zone, expectedFence });
  }

  function raised(fence: Indexed<FencePredicate>): string | null {
    return replaces(fence);
  }

  function replaces({
    index,
    zone,
    expectedFence,
  }: Pick<Indexed<FencePredicate>, 'index' | 'zone' | 'expectedFence'>): string | null {
    replaced.set(index, { zone, expected: expectedFence });
    return expectedFence === null ? null : stranger(expectedFence, zone, index);
  }

  function outcome(said: Indexed<OutcomePredicate>): string | null {
    const ofIntent = replaced.get(said.intentIndex);
    if (ofIntent === undefined) return null;
    const { fence, intentIndex, direction, result } = said;
    const strange = fence === null ? null : stranger(fence, ofIntent.zone, said.index);
    if (strange !== null) return strange;
    const inChain = sameEffect(said).some((index) =>
      landed(fence, { intentIndex: index, direction }, expectedOf),
    );
    const words = `intent ${intentIndex} (${direction})`;
    if (result === 'not-applied')
      return inChain ? `${words} did land: the fence ${fence} leads back to it` : null;
    if (!inChain) return `the fence ${fence} does not lead back to ${words}`;
    return continues(fence, ofIntent.zone);
  }

  function continues(fence: string | null, zone: string): string | null {
    const before = lastFence.get(zone) ?? null;
    if (!reaches(fence, before) && !reaches(before, fence)) {
      return `the fence ${fence} does not continue ${before}, which was live in ${zone} before: two writers`;
    }
    lastFence.set(zone, reaches(fence, before) ? fence : before);
    return null;
  }

  function override(
    intent: Indexed<Omit<OverrideIntentPredicate, 'override' | 'factors'>>,
    mark: string,
  ): string | null {
    const { changeId, zone, expectedFence, index } = intent;
    explained.add(`${zone} ${mark}`);
    overrides.set(changeId, { zone, fence: intent.fence ?? String(index) });
    if (intent.fence === null) return replaces(intent);
    const built = `${expectedFence ?? '0'}.o${mark}`;
    if (intent.fence !== built) return `an override without the log leaves ${built}, not ${intent.fence}`;
    return expectedFence === null ? null : stranger(expectedFence, zone, index);
  }

  function overrideOutcome({ changeId, result, fence }: Indexed<OverrideOutcomePredicate>): string | null {
    const known = overrides.get(changeId);
    if (known === undefined || result === 'not-applied') return null;
    if (!reaches(fence, known.fence)) return `the fence ${fence} does not lead back to ${known.fence}`;
    return continues(fence, known.zone);
  }

  /** An effect is one change, plan and stage: where an earlier intent of it landed, a later one finds it done. */
  function sameEffect({ intentIndex, direction, result, ...said }: Indexed<OutcomePredicate>): number[] {
    if (direction === 'rollback' || result === 'not-applied') return [intentIndex];
    return intentsOf.get(effectOf(said)) ?? [];
  }

  /** Every index in a fence is of an intent of its zone; 0 stands for none at all. */
  function stranger(fence: string, zone: string, at: number): string | null {
    const parts = builtOn(fence);
    for (const part of parts) if ('override' in part) marks.push({ index: at, zone, mark: part.override });
    const indexes = [
      fenceIndex(fence),
      ...parts.flatMap((one) => ('rollbackOf' in one ? one.rollbackOf : [])),
    ];
    const unknown = indexes.find((index) => index !== 0 && replaced.get(index)?.zone !== zone);
    return unknown === undefined
      ? null
      : `no intent of ${zone} explains entry ${unknown} in the fence ${fence}`;
  }

  /** Whether `behind` is in the chain from `fence` back. */
  function reaches(fence: string | null, behind: string | null): boolean {
    let at = fence;
    while (at !== behind) {
      if (at === null) return false;
      at = predecessor(at);
    }
    return true;
  }

  function predecessor(fence: string): string | null {
    const last = fence.lastIndexOf('.');
    if (last >= 0) {
      const base = fence.slice(0, last);
      return base === '0' ? null : base;
    }
    const expected = expectedOf(fenceIndex(fence)) ?? null;
    // A chain falls strictly; what does not is reported where its intent is.
    return expected !== null && fenceIndex(expected) < fenceIndex(fence) ? expected : null;
  }

  const unexplained = () => marks.filter(({ zone, mark }) => !explained.has(`${zone} ${mark}`));

  return { intent, raised, outcome, override, overrideOutcome, unexplained };
}

function effectOf({
  changeId,
  planDigest,
  stage,
}: Pick<IntentPredicate, 'changeId' | 'planDigest' | 'stage'>): string {
  return [changeId, planDigest, stage].join(' ');
}
