import { canonicalText } from '../evidence/canonical-json.ts';
import type { ConfigBody } from './config.ts';
import { isJsonObject, membersOf } from './json-pointer.ts';

/** A rule about a config's value that it breaks, at a JSON Pointer into the value. Never quotes the value. */
export interface ConfigFault {
  pointer: string;
  rule: 'config-size' | 'config-growth' | 'entries-unique';
  message: string;
  remedy: string;
}

/** What a consumer must be able to hold: every reader allocates for no more. */
export const MAX_CONFIG_BYTES = 128 * 1024;
export const MAX_CONFIG_ENTRIES = 10_000;

/**
 * In November 2025 a query that returned every row twice doubled a feature file, and each proxy that read it failed
 * on its fixed limit. No limit that a consumer has is far enough from twice what it has now.
 */
export const MAX_GROWTH = 2;
/** Below these a document may grow as it likes: a first field makes a second one a doubling. */
const GROWTH_FREE_BYTES = 1024;
const GROWTH_FREE_ENTRIES = 20;

/** Judges a config's value by itself and against what is live (`before` is null for a new one). */
export function configFaults(before: ConfigBody | null, after: ConfigBody): ConfigFault[] {
  return [
    ...sizeFaults(after),
    ...(before === null ? [] : growthFaults(before, after)),
    ...duplicateFaults(after.value, ''),
  ];
}

function sizeFaults({ value }: ConfigBody): ConfigFault[] {
  const [bytes, entries] = [byteLength(value), entryCount(value)];
  const remedy = 'Move what does not belong together into documents of their own.';
  const fault = (message: string): ConfigFault => ({ pointer: '', rule: 'config-size', message, remedy });
  return [
    ...(bytes > MAX_CONFIG_BYTES ? [fault(`has ${bytes} bytes, at most ${MAX_CONFIG_BYTES} are read`)] : []),
    ...(entries > MAX_CONFIG_ENTRIES
      ? [fault(`has ${entries} entries, at most ${MAX_CONFIG_ENTRIES} are read`)]
      : []),
  ];
}

function growthFaults(before: ConfigBody, after: ConfigBody): ConfigFault[] {
  const grown = (what: string, was: number, is: number, free: number): ConfigFault[] =>
    is <= Math.max(MAX_GROWTH * was, free)
      ? []
      : [
          {
            pointer: '',
            rule: 'config-growth',
            message: `grows from ${was} to ${is} ${what}, more than ${MAX_GROWTH} times what consumers hold now`,
            remedy: 'If it is meant to, grow in several changes; else look for what was written twice.',
          },
        ];
  return [
    ...grown('bytes', byteLength(before.value), byteLength(after.value), GROWTH_FREE_BYTES),
    ...grown('entries', entryCount(before.value), entryCount(after.value), GROWTH_FREE_ENTRIES),
  ];
}

/** In one array: the same value twice, or two objects of one `id`, or of one `name` where they have no `id`. */
function duplicateFaults(value: unknown, pointer: string): ConfigFault[] {
  const members = membersOf(value, pointer);
  const seen = new Map<string, string>();
  const repeated = (Array.isArray(value) ? members : []).flatMap((member): ConfigFault[] => {
    const identity = identityOf(member.value);
    const earlier = seen.get(identity.key);
    if (earlier === undefined) {
      seen.set(identity.key, member.pointer);
      return [];
    }
    const message = `repeats ${identity.what} of ${earlier}`;
    return [{ pointer: member.pointer, rule: 'entries-unique', message, remedy: 'Write it once.' }];
  });
  return [...repeated, ...members.flatMap((member) => duplicateFaults(member.value, member.pointer))];
}

function identityOf(value: unknown): { key: string; what: string } {
  const field = isJsonObject(value) ? ['id', 'name'].find((one) => Object.hasOwn(value, one)) : undefined;
  if (field === undefined || !isJsonObject(value)) return { key: canonicalText(value), what: 'the value' };
  return { key: `${field} ${canonicalText(value[field])}`, what: `the ${field}` };
}

/**
 * Fields that the live document does not have: no consumer has ever read them (the channel file of July 2024 used one
 * for the first time, everywhere at once). An element of a list is no field of its own, so a pointer has `*` for it.
 */
export function newFields(before: ConfigBody, after: ConfigBody): string[] {
  const had = new Set(fieldsOf(before.value, ''));
  return [...new Set(fieldsOf(after.value, ''))].filter((field) => !had.has(field)).sort();
}

function fieldsOf(value: unknown, field: string): string[] {
  const below = membersOf(value, field).flatMap((member) =>
    fieldsOf(member.value, Array.isArray(value) ? `${field}/*` : member.pointer),
  );
  return field === '' ? below : [field, ...below];
}

/** Members of objects and elements of arrays, at every depth. */
function entryCount(value: unknown): number {
  return membersOf(value, '').reduce((sum, member) => sum + 1 + entryCount(member.value), 0);
}

/** Of the canonical form, in UTF-8. */
function byteLength(value: unknown): number {
  return new TextEncoder().encode(canonicalText(value)).length;
}
