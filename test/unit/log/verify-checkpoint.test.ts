import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  cosignNote,
  formatCheckpoint,
  logOrigin,
  parseCheckpoint,
  signNote,
} from '../../../domain/log/checkpoint.ts';
import { consistencyProof, emptyRoot } from '../../../domain/log/merkle-tree.ts';
import { encodeNote, type NoteSignature } from '../../../domain/log/signed-note.ts';
import { type CheckpointContext, judgeCheckpoint } from '../../../domain/log/verify-checkpoint.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { entriesOf, hex, naiveRoot, readerOf } from '../../support/merkle.ts';
import { noteSigner } from '../../support/note-keys.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00Z');
const NOW_S = NOW_MS / 1000;
const MINUTE_MS = 60_000;
const ORIGIN = logOrigin('prod');
const log = noteSigner('ed25519', ORIGIN, 'log');
const witnesses = ['w.example/1', 'w.example/2', 'w.example/3'].map((name) =>
  noteSigner('cosignature/v1', name),
);
const [w1, w2] = witnesses;
if (!w1 || !w2) throw new Error('two witnesses');
const ENTRIES = entriesOf(20);
const OTHERS = entriesOf(21).slice(1);

const treeOf = (size: number, entries = ENTRIES): Checkpoint => ({
  origin: ORIGIN,
  size,
  root: naiveRoot(entries, 0, size),
});

interface Made {
  checkpoint?: Checkpoint;
  text?: string;
  signers?: (typeof log)[];
  cosigners?: [witness: typeof w1 & object, timeS: number][];
  more?: NoteSignature[];
}

async function made({
  checkpoint = treeOf(12),
  text,
  signers = [log],
  cosigners = [],
  more = [],
}: Made = {}) {
  const body = text ?? formatCheckpoint(checkpoint);
  const signatures = [
    ...(await Promise.all(signers.map(({ key, sign }) => signNote(body, key, sign)))),
    ...(await Promise.all(cosigners.map(([{ key, sign }, timeS]) => cosignNote(body, key, timeS, sign)))),
    ...more,
  ];
  return encodeNote({ text: body, signatures });
}

const CONTEXT: CheckpointContext = {
  logKey: log.key,
  witnessKeys: [],
  threshold: 0,
  verify: verifyEd25519,
  nowMs: NOW_MS,
  maxAgeMs: 5 * MINUTE_MS,
};
const witnessed = (threshold: number) => ({ witnessKeys: witnesses.map(({ key }) => key), threshold });

function rulesOf(bytes: Uint8Array, context: Partial<CheckpointContext> = {}): string[] {
  const verdict = judgeCheckpoint(bytes, { ...CONTEXT, ...context });
  return verdict.ok ? [] : verdict.reasons.map(({ rule }) => rule);
}

describe('the text', () => {
  test('is origin, size and root', () => {
    const checkpoint = treeOf(12);
    expect(formatCheckpoint(checkpoint).split('\n').slice(0, 2)).toEqual(['resilience-ctl.dev/prod', '12']);
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  test('may have extension lines', () => {
    expect(parseCheckpoint(`${formatCheckpoint(treeOf(12))}more\n`)).toEqual(treeOf(12));
  });

  const root = formatCheckpoint(treeOf(12)).split('\n')[2] ?? '';
  test.each([
    ['a leading zero', `o\n012\n${root}\n`],
    ['a sign', `o\n+12\n${root}\n`],
    ['a fraction', `o\n1.5\n${root}\n`],
    ['an exponent', `o\n1e3\n${root}\n`],
    ['no size', `o\n\n${root}\n`],
    ['no origin', `\n12\n${root}\n`],
    ['no root', 'o\n12\n'],
    ['a short root', 'o\n12\nAAAA\n'],
    ['loose base64', `o\n12\n${root.replace(/=$/, '')}\n`],
    ['an empty extension line', `o\n12\n${root}\n\nmore\n`],
    ['no last line feed', `o\n12\n${root}`],
  ])('with %s is refused', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'ENTRY_MALFORMED' }));
  });

  test.each(['9007199254740992', '9223372036854775808', '18446744073709551615', '1'.repeat(400)])(
    'with the size %s is refused, not rounded',
    (size) => {
      expect(() => parseCheckpoint(`o\n${size}\n${root}\n`)).toThrow(
        expect.objectContaining({ code: 'TOO_LARGE' }),
      );
    },
  );

  test('with the largest size is read', () => {
    expect(parseCheckpoint(`o\n9007199254740991\n${root}\n`).size).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the signer', () => {
  test('the log: accepted, unknown keys beside it ignored', async () => {
    const stranger = noteSigner('ed25519', ORIGIN, 'stranger');
    const bytes = await made({ signers: [stranger, log], cosigners: [[w1, NOW_S]] });
    const verdict = judgeCheckpoint(bytes, CONTEXT);
    expect(verdict).toMatchObject({ ok: true, cosignedAtMs: null, checkpoint: treeOf(12) });
  });

  test('somebody else, under its name', async () => {
    expect(rulesOf(await made({ signers: [noteSigner('ed25519', ORIGIN, 'stranger')] }))).toEqual([
      'wrong-key',
    ]);
  });

  test('the log, twice, once wrongly: the note is refused', async () => {
    const [right] = [await signNote(formatCheckpoint(treeOf(12)), log.key, log.sign)];
    const wrong = { ...right, signature: right.signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
    expect(rulesOf(await made({ more: [wrong] }))).toEqual(['wrong-key']);
    expect(rulesOf(await made({ more: [right] }))).toEqual([]);
  });

  test('the log, of another origin', async () => {
    const elsewhere = { ...treeOf(12), origin: logOrigin('staging') };
    expect(rulesOf(await made({ checkpoint: elsewhere }))).toEqual(['wrong-origin']);
  });

  test('of an unknown key type', async () => {
    expect(rulesOf(await made(), { logKey: { ...log.key, type: 'unknown' } })).toEqual(['wrong-key']);
  });

  test('no byte of it can be changed', async () => {
    const bytes = await made({ cosigners: [[w1, NOW_S]] });
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(rulesOf(changed, witnessed(1)), `byte ${at}`).not.toEqual([]);
    }
  });

  test('rubbish is refused without a throw', () => {
    for (const rubbish of ['', '\n\n', 'x'.repeat(99), '\u2014 a b\n\n\n']) {
      expect(rulesOf(new TextEncoder().encode(rubbish))).toEqual(['malformed']);
    }
  });
});

describe('history', () => {
  const proofOf = (from: number, to: number, entries = ENTRIES) =>
    consistencyProof(from, to, readerOf(entries.slice(0, to)));

  test('every continuation with its proof is accepted', async () => {
    for (let from = 0; from <= 20; from += 1) {
      for (let to = from; to <= 20; to += 1) {
        const context = { previous: treeOf(from), proof: await proofOf(from, to) };
        expect(rulesOf(await made({ checkpoint: treeOf(to) }), context), `${from} to ${to}`).toEqual([]);
      }
    }
  });

  test('smaller', async () => {
    expect(rulesOf(await made({ checkpoint: treeOf(11) }), { previous: treeOf(12) })).toEqual(['smaller']);
  });

  test('two of one size', async () => {
    const fork = await made({ checkpoint: treeOf(12, OTHERS) });
    expect(rulesOf(fork, { previous: treeOf(12), proof: [] })).toEqual(['fork']);
  });

  test('longer, of another history, with its own proof', async () => {
    const bytes = await made({ checkpoint: treeOf(20, OTHERS) });
    const proof = await proofOf(12, 20, OTHERS);
    expect(rulesOf(bytes, { previous: treeOf(12), proof })).toEqual(['inconsistent']);
  });

  test('longer, without the proof or with one of other sizes', async () => {
    const bytes = await made({ checkpoint: treeOf(20) });
    expect(rulesOf(bytes, { previous: treeOf(12) })).toEqual(['inconsistent']);
    expect(rulesOf(bytes, { previous: treeOf(12), proof: await proofOf(12, 19) })).toEqual(['inconsistent']);
  });

  test('without entries: the empty root only', async () => {
    const empty = { origin: ORIGIN, size: 0, root: emptyRoot() };
    expect(rulesOf(await made({ checkpoint: empty }))).toEqual([]);
    expect(rulesOf(await made({ checkpoint: { ...empty, root: treeOf(1).root } }))).toEqual([
      'empty-tree-root',
    ]);
    expect(rulesOf(await made({ checkpoint: empty }), { previous: treeOf(1) })).toEqual(['smaller']);
    expect(rulesOf(await made(), { previous: empty, proof: [] })).toEqual([]);
    expect(rulesOf(await made(), { previous: empty, proof: [emptyRoot()] })).toEqual(['inconsistent']);
  });
});

describe('cosignatures', () => {
  test('enough of them, and recent: the time is that of the oldest one needed', async () => {
    const bytes = await made({
      cosigners: [
        [w1, NOW_S - 100],
        [w2, NOW_S - 20],
      ],
    });
    const verdict = judgeCheckpoint(bytes, { ...CONTEXT, ...witnessed(2) });
    expect(verdict).toMatchObject({ ok: true, cosignedAtMs: NOW_MS - 100_000 });
    expect(judgeCheckpoint(bytes, { ...CONTEXT, ...witnessed(1) })).toMatchObject({
      cosignedAtMs: NOW_MS - 20_000,
    });
  });

  test('too few', async () => {
    expect(rulesOf(await made(), witnessed(1))).toEqual(['missing-cosignature']);
    expect(rulesOf(await made({ cosigners: [[w1, NOW_S]] }), witnessed(2))).toEqual(['missing-cosignature']);
  });

  test('twice by one witness counts once, by its newest', async () => {
    const bytes = await made({
      cosigners: [
        [w1, NOW_S - 9_999],
        [w1, NOW_S],
      ],
    });
    expect(rulesOf(bytes, witnessed(2))).toEqual(['missing-cosignature']);
    expect(rulesOf(bytes, witnessed(1))).toEqual([]);
    const alias = noteSigner('cosignature/v1', 'w.example/alias', 'w.example/1');
    const both = await made({
      cosigners: [
        [w1, NOW_S],
        [alias, NOW_S],
      ],
    });
    expect(rulesOf(both, { witnessKeys: [w1.key, alias.key], threshold: 2 })).toEqual([
      'missing-cosignature',
    ]);
  });

  test('by nobody that is trusted', async () => {
    const stranger = noteSigner('cosignature/v1', 'w.example/1', 'stranger');
    expect(rulesOf(await made({ cosigners: [[stranger, NOW_S]] }), witnessed(1))).toEqual([
      'missing-cosignature',
    ]);
  });

  test('of a time that is over, or far ahead', async () => {
    const of = (timeS: number) => made({ cosigners: [[w1, timeS]] });
    expect(rulesOf(await of(NOW_S - 300), witnessed(1))).toEqual([]);
    expect(rulesOf(await of(NOW_S - 301), witnessed(1))).toEqual(['stale-cosignature']);
    expect(rulesOf(await of(NOW_S + 60), witnessed(1))).toEqual([]);
    expect(rulesOf(await of(NOW_S + 61), witnessed(1))).toEqual(['stale-cosignature']);
  });

  test('of no time, or of one that no clock shows', async () => {
    for (const timeS of [0, 8.64e12 + 1, Number.MAX_SAFE_INTEGER]) {
      expect(rulesOf(await made({ cosigners: [[w1, timeS]] }), witnessed(1))).toContain('wrong-key');
    }
  });

  test('over another text', async () => {
    const other = await cosignNote(formatCheckpoint(treeOf(13)), w1.key, NOW_S, w1.sign);
    expect(rulesOf(await made({ more: [other] }), witnessed(1))).toEqual([
      'wrong-key',
      'missing-cosignature',
    ]);
  });

  test("a log's plain signature is no cosignature", async () => {
    const plain = noteSigner('ed25519', 'w.example/1');
    expect(
      rulesOf(await made({ signers: [log, plain] }), { witnessKeys: [plain.key], threshold: 1 }),
    ).toEqual(['missing-cosignature']);
  });
});

test('everything that is wrong is said at once, with what to do', async () => {
  const bytes = await made({
    checkpoint: { ...treeOf(11), origin: 'elsewhere.example' },
    signers: [w1Plain()],
  });
  const verdict = judgeCheckpoint(bytes, { ...CONTEXT, ...witnessed(1), previous: treeOf(12) });
  const reasons = verdict.ok ? [] : verdict.reasons;
  expect(reasons.map(({ rule }) => rule)).toEqual([
    'wrong-origin',
    'wrong-key',
    'smaller',
    'missing-cosignature',
  ]);
  expect(reasons.every(({ message, remedy }) => message.length > 0 && remedy.length > 0)).toBe(true);
});

function w1Plain() {
  return noteSigner('ed25519', 'somebody.example');
}

test('the origin of an environment can name its key', () => {
  expect(log.key.name).toBe('resilience-ctl.dev/prod');
  expect(hex(log.key.publicKey)).toHaveLength(64);
});
