import { z } from 'zod';
import { membersOf } from './json-pointer.ts';

/** Deeper than any document that a person can follow, and far from where recursion over one would fail. */
const MAX_DEPTH = 64;

/**
 * A JSON object whose content is the author's own. YAML can spell what JSON has not (`.nan`, `.inf`), and a key
 * `__proto__` is no key to a JavaScript reader: both are refused where they stand.
 */
export const plainJsonObject = z.record(z.string(), z.unknown()).superRefine((root, context) => {
  const open: { value: unknown; path: (string | number)[] }[] = [{ value: root, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      context.addIssue({ code: 'custom', path, message: 'JSON has no such number' });
    }
    if (path.length >= MAX_DEPTH && typeof value === 'object' && value !== null) {
      context.addIssue({ code: 'custom', path, message: `Documents nest at most ${MAX_DEPTH} deep` });
      continue;
    }
    for (const member of membersOf(value, '')) {
      const at = [...path, Array.isArray(value) ? Number(member.key) : member.key];
      if (member.key === '__proto__') {
        context.addIssue({ code: 'custom', path: at, message: 'No reader can hold a key of this name' });
      }
      open.push({ value: member.value, path: at });
    }
  }
});
