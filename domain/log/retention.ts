import type { Plan } from '../change/plan.ts';
import { type Digest, isDigest } from '../evidence/canonical-json.ts';
import type { CommitPredicate } from '../evidence/statements.ts';
import type { LogState } from './state.ts';

export interface Stock {
  state: LogState;
  /** Every honoured one of the prefix that `state` folds. */
  commits: Iterable<Pick<CommitPredicate, 'planDigest' | 'moves'>>;
  /** The plans of the open changes. */
  plans: ReadonlyMap<Digest, Plan>;
  /**
   * What may be collected at all: objects stored well before `state` was read, because a body is stored first and
   * named by an entry after.
   */
  stored: Iterable<Digest>;
}

/**
 * The stored objects that nothing which is live, or may yet become live, needs. Never among them: live versions and
 * canary arms, their parents (where a rollback leads), the version statements of all these, and the plans that hold
 * the bodies of records; whatever an open change names, down to both sides of its plan; the newest snapshot and trust
 * document. While the plan of an open change is not at hand, nothing is collectable.
 *
 * What is collected is no longer there for `get --at`, `revert` and auditors. No role has the right to delete.
 */
export function collectable({ state, commits, plans, stored }: Stock): Digest[] {
  // Whatever the state names is kept, so that a field added to it later cannot be forgotten here.
  const kept = new Set(digestsIn(state));
  for (const { plan } of Object.values(state.changes)) {
    if (plan === null) continue;
    const body = plans.get(plan.planDigest);
    if (body === undefined) return [];
    for (const digest of digestsIn(body)) kept.add(digest);
  }
  for (const digest of [...commits].flatMap((commit) => madeFrom(commit, kept))) kept.add(digest);
  return [...new Set(stored)].filter((digest) => !kept.has(digest));
}

/** What a commit made its kept versions from: their statements, and the plan, where the bodies of records are. */
function madeFrom(
  { planDigest, moves }: Pick<CommitPredicate, 'planDigest' | 'moves'>,
  kept: ReadonlySet<Digest>,
): Digest[] {
  const needed = moves.filter(({ to }) => to !== null && kept.has(to));
  const statements = needed.flatMap(({ versionDigest }) => versionDigest ?? []);
  return needed.length === 0 ? [] : [planDigest, ...statements];
}

function digestsIn(value: unknown): Digest[] {
  if (typeof value === 'string') return isDigest(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(digestsIn);
}
