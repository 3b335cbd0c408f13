import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../../domain/evidence/canonical-json.ts';
import { readSpool, type SpoolItem } from '../../../domain/override/spool.ts';
import { createFileSpool } from '../../../infra/files/file-spool.ts';
import { envelopeOf } from '../../support/sample-log.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'resilience-spool-')), 'break-glass');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const file = () => join(folder, 'spool.jsonl');
async function threeItems(): Promise<SpoolItem[]> {
  const body = canonicalBytes({ a: 'body' });
  return [
    { body },
    { envelope: await envelopeOf('override') },
    { envelope: await envelopeOf('override-outcome') },
  ];
}

describe('the spool', () => {
  it('keeps what it was given, in order, over several times and readers, for its owner alone', async () => {
    const [body, intent, outcome] = await threeItems();
    if (!body || !intent || !outcome) throw new Error('three');
    await createFileSpool(folder).append([body, intent]);
    await createFileSpool(folder).append([outcome]);
    expect(await createFileSpool(folder).read()).toEqual([body, intent, outcome]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('is empty where there is none', async () => {
    expect(await createFileSpool(folder).read()).toEqual([]);
  });

  it('goes on behind the last whole line when a crash cut one off', async () => {
    const spool = createFileSpool(folder);
    const [body, intent] = await threeItems();
    if (!body || !intent) throw new Error('two');
    await spool.append([body]);
    appendFileSync(file(), '{"previous":"sha256:');
    expect(await spool.read()).toEqual([body]);
    await spool.append([intent]);
    expect(await spool.read()).toEqual([body, intent]);
  });

  it.each<[string, (lines: string[]) => string[]]>([
    ['edited', ([a = '', b = '', c = '']) => [a, b.replace('"keyid":"sha256:', '"keyid":"sha256:0'), c]],
    ['dropped', ([a = '', , c = '']) => [a, c]],
    ['repeated', ([a = '', b = '', c = '']) => [a, b, b, c]],
    ['moved', ([a = '', b = '', c = '']) => [b, a, c]],
    ['made up', ([a = '']) => [a, '{}']],
    ['cut off at the beginning', ([, b = '', c = '']) => [b, c]],
  ])('in which a line was %s is not read, and not written on', async (_, edit) => {
    const spool = createFileSpool(folder);
    await spool.append(await threeItems());
    const lines = edit(readFileSync(file(), 'utf8').trimEnd().split('\n'));
    writeFileSync(file(), `${lines.join('\n')}\n`);
    const before = readFileSync(file());
    await expect(spool.read()).rejects.toThrow(/^Line \d of the break-glass spool|^The envelope|canonical/);
    await expect(spool.append([{ body: canonicalBytes({}) }])).rejects.toThrow();
    expect(readFileSync(file())).toEqual(before);
  });

  it.each(['reconciled', 'not-counted'] as const)(
    'is put aside whole as %s, and the next one begins anew',
    async (as) => {
      const spool = createFileSpool(folder);
      await spool.append(await threeItems());
      const before = new Uint8Array(readFileSync(file()));
      const aside = await spool.retire(as);
      expect(aside).toBe(join(folder, readdirSync(folder)[0] ?? ''));
      expect(await spool.read()).toEqual([]);
      const [name = ''] = readdirSync(folder);
      expect(name).toMatch(/^[a-z-]+-[0-9a-f]{16}\.jsonl$/);
      expect(name.startsWith(`${as}-`)).toBe(true);
      expect(readSpool(new Uint8Array(readFileSync(join(folder, name)))).length).toBe(before.length);
    },
  );
});
