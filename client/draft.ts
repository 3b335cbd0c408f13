import { mixedTargets } from '../domain/change/request.ts';
import { DomainError, type Violation, violationsOf } from '../domain/errors.ts';
import type { Clocks, ControlPlane } from './control-plane.ts';
import type { Store } from './store.ts';
import { type RequestText, requestFor } from './way-back.ts';

/** A request that changes nothing yet. Its author edits the bodies and writes the reason, without which it is refused. */
export interface Draft extends RequestText {
  spec: RequestText['spec'] & Pick<Clocks, 'clock' | 'vector'>;
}

/**
 * Makes a change request of what is live now of each resource: its body, its digest as the base, and the clocks of just
 * that state, which `submit` keeps. So whatever is committed after the draft was made is a conflict, and never
 * overwritten unseen. Throws `SCHEMA_INVALID` or `NOT_FOUND` with every reason, and what `Store.bodyOf` throws.
 */
export async function makeDraft(
  { controlPlane, store }: { controlPlane: Pick<ControlPlane, 'environment' | 'clocks'>; store: Store },
  resources: readonly string[],
): Promise<{ draft: Draft; size: number }> {
  const names = [...new Set(resources)];
  // The clocks first, and then what was live just there: a draft must not claim to have seen what it does not show.
  const { size, clock, vector } = await controlPlane.clocks();
  const { versions } = await store.stateAt({ size });
  const live = names.flatMap((name) => versions.find(({ resource }) => resource === name) ?? []);
  const absent = names.filter((name) => !live.some(({ resource }) => resource === name));
  const violations = [
    ...(await Promise.all(absent.map((resource) => notLive(store, resource)))).flat(),
    // There is no file yet that a path could point into.
    ...mixedTargets(names).map(({ path: _, ...violation }) => violation),
  ];
  const [first] = violations;
  if (first !== undefined) {
    throw new DomainError(first.code, `No draft can be made of ${names.join(', ')}.`, {
      next: 'A draft is of what is live. The request of something new is written by hand: see `resilience-ctl schema`.',
      violations,
    });
  }
  const file = await requestFor(store, {
    environment: controlPlane.environment,
    reason: '',
    returns: live.map((version) => ({ from: version, to: version })),
  });
  return { draft: { ...file, spec: { ...file.spec, clock, vector } }, size };
}

async function notLive(store: Store, resource: string): Promise<readonly Violation[]> {
  try {
    const versions = await store.versionsOf(resource);
    const [last, removal] = [versions.findLast(({ digest }) => digest !== null), versions.at(-1)];
    return [
      {
        code: 'NOT_FOUND',
        rule: 'is-live',
        message: `${resource} was removed by change ${removal?.changeId} at entry ${removal?.index}.`,
        remedy: `See \`resilience-ctl log ${resource}\`; \`revert\` with --to entry:${last?.index} writes the request that brings it back.`,
      },
    ];
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'NOT_FOUND') throw error;
    return violationsOf(error);
  }
}
