import { DomainError } from '../errors.ts';
import { type Digest, digestHex } from '../evidence/canonical-json.ts';

/**
 * The fence: a TXT record in the zone itself that holds the log index which the zone last accepted. Every governed
 * batch replaces exactly the value it expects, so that the target's own transaction refuses a stale writer
 * (DESIGN §6; the October 2025 DynamoDB DNS outage was a check made before the write, and stale by the write).
 *
 * A value is the index of the intent (or freeze) that wrote it, followed by `.r<n>` for each rollback of an intent
 * `n` and `.o<hash>` for each break-glass override without the log that was built on it since: `"41"`, `"41.r38"`,
 * `"41.o5a1c0f6e9b27d384"`. Values here are bare; the adapter adds the quotes.
 */
export const FENCE_LABEL = '_resilience-ctl';

const INDEX = '(?:0|[1-9][0-9]{0,14})';
const OVERRIDE_MARK = '[0-9a-f]{16}';
const FENCE_PATTERN = new RegExp(`^${INDEX}(?:\\.r${INDEX}|\\.o${OVERRIDE_MARK})*$`);

/**
 * Whether every batch that was prepared before entry `causeIndex` finds another fence than it expects: the fence is of a
 * later entry. Throws `ENTRY_MALFORMED` for a value that this product never writes.
 */
export function isRaisedOver(live: string, causeIndex: number): boolean {
  return fenceIndex(live) > causeIndex;
}

export interface Effect {
  intentIndex: number;
  direction: 'forward' | 'rollback';
}

/** The fully qualified name of a zone's fence record. */
export function fenceName(zone: string): string {
  return `${FENCE_LABEL}.${zone}`;
}

/** The value after a forward write of the intent at this log index. */
export function forwardFence(intentIndex: number): string {
  return String(intentIndex);
}

/**
 * The value after a rollback of intent `intentIndex` on whatever fence is live: it orders before the next index. A
 * zone without a fence gets one too (on index 0, which is never an intent), so that a late first batch is refused.
 */
export function rollbackFence(liveFence: string | null, intentIndex: number): string {
  if (liveFence !== null) assertReadable(liveFence);
  return `${liveFence ?? '0'}.r${intentIndex}`;
}

/** What stands for an override in a fence: the beginning of the digest of what its two people signed. */
export function overrideMark(overridePayload: Digest): string {
  return digestHex(overridePayload).slice(0, 16);
}

/**
 * The value after an override that has no log index because the log is down: built on the live fence as a rollback's
 * is, so that whatever expected that one is refused, and ordered before the next index.
 */
export function overrideFence(liveFence: string | null, mark: string): string {
  if (liveFence !== null) assertReadable(liveFence);
  return `${liveFence ?? '0'}.o${mark}`;
}

/** What was built on the index, in order. Throws `ENTRY_MALFORMED` for a value that this product never writes. */
export function builtOn(fence: string): ({ rollbackOf: number } | { override: string })[] {
  assertReadable(fence);
  return fence
    .split('.')
    .slice(1)
    .map((part) =>
      part.startsWith('r') ? { rollbackOf: Number(part.slice(1)) } : { override: part.slice(1) },
    );
}

/** The log index of the last forward write. Throws `ENTRY_MALFORMED` for a value that this product never writes. */
export function fenceIndex(fence: string): number {
  assertReadable(fence);
  return Number(fence.split('.', 1)[0]);
}

/** Whether the product could have written this value. */
export function isReadableFence(fence: string): boolean {
  return FENCE_PATTERN.test(fence);
}

/** Whether a zone holds the one later than the other: fences only grow. What is unreadable is never the newer one. */
export function isNewerFence(fence: string, than: string | null): boolean {
  if (!isReadableFence(fence)) return false;
  if (than === null || !isReadableFence(than)) return true;
  const [index, other] = [fenceIndex(fence), fenceIndex(than)];
  return index > other || (index === other && fence.length > than.length);
}

/**
 * Whether an effect is in the chain that leads from the live fence back through the `expectedFence` of each intent.
 * It is the only safe answer after a lost one: the provider's reply may be to a second try of a first that landed.
 *
 * `expectedFenceOf` answers for the index of an intent (or freeze): the fence it was to replace, null when there was
 * none, undefined when the caller does not know the index. Indexes fall strictly along the chain, so the walk ends
 * as soon as it is below the effect's own index and needs no older history. A rollback may stand on an older fence
 * than its intent's, when the forward write never landed; no intent older than it can have expected such a fence.
 *
 * Throws `ENTRY_MALFORMED` when a fence is unreadable or the walk meets an unknown index above the effect's: then
 * neither yes nor no is true, and answering no could apply the effect twice.
 */
export function landed(
  live: string | null,
  effect: Effect,
  expectedFenceOf: (index: number) => string | null | undefined,
): boolean {
  let fence = live;
  while (fence !== null) {
    const index = fenceIndex(fence);
    // Before the comparison: an intent that never landed is rolled back on the older fence that it found.
    if (effect.direction === 'rollback' && rollbacksOf(fence).includes(effect.intentIndex)) return true;
    if (index < effect.intentIndex) return false;
    if (index === effect.intentIndex) return effect.direction === 'forward';
    const older = expectedFenceOf(index);
    if (older === undefined) {
      throw new DomainError(
        'ENTRY_MALFORMED',
        `The zone's fence leads to log index ${index}, of which no intent is known.`,
        {
          next: 'Read the log to its head and ask again; if the index is still unknown, somebody else wrote the fence: page.',
          fence: live,
          effect,
        },
      );
    }
    if (older !== null && fenceIndex(older) >= index) {
      throw new DomainError(
        'ENTRY_MALFORMED',
        `Intent ${index} expects the fence "${older}", which is not older.`,
        {
          next: 'Page: the log holds an intent that no correct writer appends.',
        },
      );
    }
    fence = older;
  }
  return false;
}

function rollbacksOf(fence: string): number[] {
  return builtOn(fence).flatMap((one) => ('rollbackOf' in one ? one.rollbackOf : []));
}

function assertReadable(fence: string): void {
  if (isReadableFence(fence)) return;
  throw new DomainError('ENTRY_MALFORMED', `The fence "${fence}" is not one that this product writes.`, {
    next: `Find out who edited the TXT record ${FENCE_LABEL}; nothing is written to the zone until it is readable.`,
  });
}
