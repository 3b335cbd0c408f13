import { InvalidArgumentError } from 'commander';
import type { Selector } from '../store.ts';

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d:\d\d)?$/;

/** A time as people write it; without an offset it is local. RFC 3339 UTC comes out. */
export function toTime(text: string): string {
  const [, day, clock, offset = ''] = TIME.exec(text) ?? [];
  const at = new Date(`${day}T${clock}${offset}`);
  if (day === undefined || Number.isNaN(at.getTime())) {
    throw new InvalidArgumentError(
      'A time is such as 2026-11-21T10:00:00Z, or "2026-11-21 10:00" for local.',
    );
  }
  return at.toISOString();
}

/** `--entry N`: the state with entry N, so after N + 1 entries. */
export function toSize(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('An entry is a whole number from 0.');
  return Number(text) + 1;
}

/** A version (`1.2.0`), `entry:N` or a time. */
export function toSelector(text: string): Selector {
  if (text.startsWith('entry:')) return { size: toSize(text.slice('entry:'.length)) };
  return /^\d+\.\d+\.\d+$/.test(text) ? { version: text } : { time: toTime(text) };
}

export interface Address {
  resource: string;
  selector: Selector;
}

/**
 * RESOURCE, RESOURCE@1.2.0, RESOURCE@entry:N or RESOURCE@TIME. A zone's apex is written `@` and followed by a slash, so
 * the last @ without one begins the selector.
 */
export function toAddress(text: string): Address {
  const [, resource, which] = /^(.+)@([^/]+)$/.exec(text) ?? [];
  if (resource === undefined || which === undefined) return { resource: text, selector: 'head' };
  return { resource, selector: toSelector(which) };
}
