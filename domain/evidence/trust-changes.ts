import { canonicalText } from './canonical-json.ts';
import type { Root, TrustDocument } from './trust.ts';

/**
 * What the next document changes, a line each, in words for whoever is to sign it: people, services, their keys and
 * rights, root holders, thresholds, and every other field by its path. Empty when nothing but the version moves.
 */
export function trustChanges(before: TrustDocument, after: TrustDocument): string[] {
  return [
    ...holderChanges('person', byName(before.people, 'subject'), byName(after.people, 'subject')),
    ...holderChanges('service', byName(before.services, 'name'), byName(after.services, 'name')),
    ...holderChanges('root holder', rootHolders(before.root), rootHolders(after.root)),
    ...fieldChanges(rest(before), rest(after), ''),
  ];
}

type Holder = { keys: readonly { keyId: string }[] } & Record<string, unknown>;

function byName<K extends string>(holders: readonly (Holder & Record<K, string>)[], name: K) {
  return new Map(holders.map((holder): [string, Holder] => [holder[name], holder]));
}

function rootHolders({ keys }: Root): Map<string, Holder> {
  return new Map(
    keys.map(({ holder }) => [holder, { keys: keys.filter((key) => key.holder === holder) }] as const),
  );
}

function holderChanges(
  what: string,
  before: ReadonlyMap<string, Holder>,
  after: ReadonlyMap<string, Holder>,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined) return [`+ ${what} ${name}`, ...keyChanges(`${what} ${name}`, [], idsOf(now))];
    if (now === undefined) return [`- ${what} ${name}`, ...keyChanges(`${what} ${name}`, idsOf(old), [])];
    const { keys: _, ...oldRights } = old;
    const { keys: __, ...nowRights } = now;
    return [
      ...keyChanges(`${what} ${name}`, idsOf(old), idsOf(now)),
      ...fieldChanges(oldRights, nowRights, `${what} ${name}, `),
    ];
  });
}

function keyChanges(whose: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((id) => !after.includes(id)).map((id) => `- key of ${whose}: ${id}`),
    ...after.filter((id) => !before.includes(id)).map((id) => `+ key of ${whose}: ${id}`),
  ];
}

function idsOf(holder: Holder | undefined): string[] {
  return (holder?.keys ?? []).map(({ keyId }) => keyId);
}

/** All that is told by name above is left out. */
function rest({ people: _, services: __, version: ___, root, ...others }: TrustDocument): object {
  const { keys: ____, ...rootRest } = root;
  return { ...others, root: rootRest };
}

function fieldChanges(before: unknown, after: unknown, path: string): string[] {
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    const prefix = path === '' || path.endsWith(' ') ? path : `${path}.`;
    return names.flatMap((name) => fieldChanges(before[name], after[name], `${prefix}${name}`));
  }
  const [old, now] = [before, after].map((value) => (value === undefined ? 'none' : canonicalText(value)));
  return old === now ? [] : [`~ ${path}: ${old} → ${now}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
