import type { Bodies } from '../activities/ports/bodies.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { Plan } from '../domain/change/plan.ts';
import { DomainError } from '../domain/errors.ts';
import { openOrNull } from '../domain/evidence/audit-entries.ts';
import { type Digest, digestOf, parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { judgeVersion } from '../domain/evidence/judge-version.ts';
import type { Move, OverrideIntentPredicate } from '../domain/evidence/statements.ts';
import type { Judge } from '../domain/log/authority.ts';
import type { Checkpoint } from '../domain/log/checkpoint.ts';
import { decodeEntry } from '../domain/log/entry.ts';
import { checkpointedEntries } from './checkpointed-entries.ts';
import { authorOfOverride, madeLive } from './made-live.ts';
import type { IgnoredMove, Instant, Selector, Store, StoredState, StoredVersion } from './store.ts';

export interface StoreParts {
  environment: string;
  log: Pick<ChangeLog, 'sync' | 'entries'>;
  bodies: Pick<Bodies, 'get'>;
  readPlan(digest: Digest): Promise<Plan>;
  /** The newest that was published and is to be believed; null where none is. Throws `LOG_FORKED` for one that is not. */
  checkpoint(): Promise<Checkpoint | null>;
}

interface History {
  size: number;
  /** In the order of the log. */
  versions: StoredVersion[];
  /** What each version's commit says of it, and by what that is judged. */
  moves: Map<string, { move: Move; judge: Judge }>;
  ignored: IgnoredMove[];
}

/** Reads the whole log once, at the first question; later answers are about that same prefix. */
export function createStore(parts: StoreParts): Store {
  let reading: Promise<History> | undefined;
  const history = () => {
    reading ??= readHistory(parts);
    return reading;
  };
  return {
    stateAt: async (instant) => stateAt(await history(), instant),
    versionsOf: async (resource) => versionsOf(await history(), resource),
    versionAt: async (resource, selector) => versionAt(await history(), resource, selector),
    bodyOf: async (version) => bodyOf(parts, await history(), version),
    ignored: async () => (await history()).ignored,
  };
}

async function readHistory({ log, checkpoint }: StoreParts): Promise<History> {
  const history: History = { size: 0, versions: [], moves: new Map(), ignored: [] };
  const authors = new Map<string, string>();
  const overrides = new Map<string, OverrideIntentPredicate>();
  const published = await checkpoint();
  // From where this machine was the last time: finds out that the log was shortened or replaced since.
  await log.sync();
  for await (const { index, bytes, fate, judge } of checkpointedEntries(log.entries(0), published)) {
    history.size = index + 1;
    if (fate.fate === 'inert') history.ignored.push(...ignoredIn(bytes, index, fate.reason));
    if (fate.fate !== 'honoured') continue;
    const said = decodeEntry(bytes);
    if (said.type === 'request') authors.set(said.predicate.changeId, said.predicate.author);
    if (said.type === 'override-intent') {
      overrides.set(said.predicate.changeId, said.predicate);
      authors.set(said.predicate.changeId, authorOfOverride(said.predicate));
    }
    if (said.type === 'override-commit') {
      authors.set(said.predicate.changeId, authorOfOverride(said.predicate));
    }
    const made = madeLive(said, overrides, history.versions);
    if (made === null) continue;
    const { changeId, planDigest, at, moves } = made;
    for (const move of moves) {
      const { resource, from, to, version, dependsOn } = move;
      const author = authors.get(changeId) ?? null;
      const about = { resource, digest: to, version, parent: from, dependsOn };
      history.versions.push({ ...about, changeId, author, planDigest, index, at });
      history.moves.set(moveKey({ resource, index }), { move, judge });
    }
  }
  return history;
}

function moveKey({ resource, index }: Pick<StoredVersion, 'resource' | 'index'>): string {
  return `${index} ${resource}`;
}

/** An entry that says it makes versions live, and that counts for nothing. */
function ignoredIn(bytes: Uint8Array, index: number, reason: string): IgnoredMove[] {
  const said = openOrNull(bytes);
  if (said === null) return [{ index, resources: [], reason }];
  if (said.type !== 'commit') return [];
  return [{ index, resources: said.predicate.moves.map(({ resource }) => resource), reason }];
}

function stateAt({ size, versions }: History, instant: Instant): StoredState {
  const prefix = prefixOf({ size, versions }, instant);
  const live = new Map<string, StoredVersion>();
  for (const one of versions) {
    if (one.index >= prefix) break;
    if (one.digest === null) live.delete(one.resource);
    else live.set(one.resource, one);
  }
  return {
    size: prefix,
    ambiguous: versions.some((one) => one.index >= prefix && isBy(one, instant)),
    versions: [...live.values()].sort((a, b) => (a.resource < b.resource ? -1 : 1)),
  };
}

function prefixOf({ size, versions }: Pick<History, 'size' | 'versions'>, instant: Instant): number {
  if (instant === 'head') return size;
  if ('time' in instant) return versions.find((one) => !isBy(one, instant))?.index ?? size;
  if (instant.size <= size) return instant.size;
  throw new DomainError(
    'NOT_FOUND',
    `The log has ${size} entries; there is no state after ${instant.size} of them.`,
    { next: `The last entry is ${size - 1}; see \`resilience-ctl log\`.` },
  );
}

function isBy({ at }: StoredVersion, instant: Instant): boolean {
  return typeof instant === 'object' && 'time' in instant && Date.parse(at) <= Date.parse(instant.time);
}

function versionsOf({ versions }: History, resource: string): StoredVersion[] {
  const found = versions.filter((one) => one.resource === resource);
  if (found.length > 0) return found;
  const near = nearTo(resource, [...new Set(versions.map((one) => one.resource))]);
  throw new DomainError('NOT_FOUND', `The log never committed a resource ${resource}.`, {
    next:
      near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See `resilience-ctl ls` for what there is.',
  });
}

function versionAt(history: History, resource: string, selector: Selector): StoredVersion {
  const versions = versionsOf(history, resource);
  const found =
    typeof selector === 'object' && 'version' in selector
      ? versions.findLast(({ version }) => version === selector.version)
      : versions.findLast(({ index }) => index < prefixOf(history, selector));
  if (found) return found;
  const what =
    typeof selector === 'object' && 'version' in selector
      ? `has no version ${selector.version}`
      : 'did not exist yet';
  throw new DomainError('NOT_FOUND', `${resource} ${what}.`, {
    next: `See \`resilience-ctl log ${resource}\` for its versions.`,
  });
}

async function bodyOf(parts: StoreParts, history: History, version: StoredVersion): Promise<unknown> {
  const { digest, resource, planDigest, index } = version;
  if (digest === null) return undefined;
  try {
    await requireStatement(parts, history, version);
    if (!resource.startsWith('dns/')) return parseJsonBytes(await parts.bodies.get(digest));
    const plan = await parts.readPlan(planDigest);
    if (plan.kind === 'dns') {
      const group = plan.resources.find((one) => one.resource === resource)?.after;
      if (group && digestOf(group) === digest) return group;
    }
  } catch (error) {
    // What an entry names is there for ever, so its absence is a loss, and not a wrong question.
    if (!(error instanceof DomainError) || error.code !== 'NOT_FOUND') throw error;
  }
  throw new DomainError(
    'DIGEST_MISMATCH',
    `The store does not have the body ${digest} of ${resource}, which entry ${index} commits.`,
    {
      next: 'Somebody deleted or replaced it: page whoever keeps the bucket, and compare with an audit export.',
    },
  );
}

/**
 * The signed statement of a document's version must be there, and say what the commit says. Records have none, nor has
 * what two people moved by an override, whose own signatures name the body.
 */
async function requireStatement(parts: StoreParts, history: History, version: StoredVersion): Promise<void> {
  const { resource, index, changeId, author } = version;
  const { move, judge } = history.moves.get(moveKey(version)) ?? {};
  if (!move?.versionDigest || !judge) return;
  const context = { environment: parts.environment, changeId, author: author ?? '' };
  const violations = judgeVersion(await parts.bodies.get(move.versionDigest), move, context, judge);
  if (violations.length === 0) return;
  throw new DomainError(
    'DIGEST_MISMATCH',
    `The version statement ${move.versionDigest} of ${resource}, which entry ${index} names, is not to be believed.`,
    { next: 'Page: nobody but the enactor signs one, and both cannot be true.', violations },
  );
}

/** Names that contain what was asked, or end like it, or differ by a slip of the hand. */
function nearTo(asked: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, distance: name.includes(asked) ? 0 : editDistance(asked, name) }))
    .filter(({ distance }) => distance <= Math.max(2, asked.length / 4))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein's distance, a row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [i, one] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (one === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
