import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** A row of the threat model promises a test by file and title: a promise that nobody keeps is found here. */
const ROOT = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/threat-model.md', ROOT), 'utf8');
const rows = text.split('\n').filter((line) => /^\| (?!attacker|---)/.test(line));
/** `file` then “title”, as the rows write it. */
const named = rows.flatMap((row) =>
  [...row.matchAll(/`(test\/[^`]+\.test\.ts)`((?: “[^”]+”,?)+)/g)].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => [file, title] as const),
  ),
);

describe('the threat model', () => {
  it('has rows, each with attacker, capability, promise and a test', () => {
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) {
      expect(row.split(' | ').length, row).toBe(4);
      expect(row, 'a row without a test').toMatch(/`test\/[^`]+\.test\.ts` “/);
    }
  });

  it.each(named)('names %s “%s”, which exists', (file, title) => {
    const path = new URL(file, ROOT);
    expect(existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8').includes(title)).toBe(true);
  });
});
