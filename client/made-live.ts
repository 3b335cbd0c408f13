import { openEnvelope, type Said } from '../domain/evidence/statement-codec.ts';
import type { CommitPredicate, OverrideIntentPredicate } from '../domain/evidence/statements.ts';
import { saidIn } from '../domain/log/override-authority.ts';
import { commitOf } from '../domain/log/override-commits.ts';
import type { StoredVersion } from './store.ts';

type MadeLive = Pick<CommitPredicate, 'changeId' | 'planDigest' | 'at' | 'moves'>;

/**
 * What an honoured entry makes live, or null: a commit does, that of an override, and the outcome of an override that
 * landed. `overrides` are the intents so far, `versions` what was live before.
 */
export function madeLive(
  said: Said,
  overrides: ReadonlyMap<string, OverrideIntentPredicate>,
  versions: readonly StoredVersion[],
): MadeLive | null {
  if (said.type === 'commit') return said.predicate.rollout === null ? said.predicate : null;
  if (said.type === 'override-commit') return commitOf(said.predicate, saidIn(said.predicate));
  if (said.type !== 'override-outcome' || said.predicate.result !== 'applied') return null;
  const { changeId, planDigest, at } = said.predicate;
  const moves = (overrides.get(changeId)?.resources ?? []).map(({ resource, to }) => {
    const from = versions.findLast((one) => one.resource === resource)?.digest ?? null;
    return { resource, from, to, version: null, versionDigest: null, clock: 0, vector: {}, dependsOn: [] };
  });
  return { changeId, planDigest, at, moves };
}

export function authorOfOverride({ override }: Pick<OverrideIntentPredicate, 'override'>): string {
  const opened = openEnvelope(override);
  return opened.type === 'override' ? opened.predicate.author : 'unknown';
}
