import { beforeAll, describe, expect, it } from 'vitest';
import { writeExport } from '../../../client/audit/write-export.ts';
import type { DnsPlan } from '../../../domain/change/plan.ts';
import { canonicalBytes, type Digest, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { bodyFile, EXPORT_FILES, pinsOf } from '../../../domain/evidence/export-layout.ts';
import {
  type ExportVerdict,
  type VerifyInput,
  verifyExport,
} from '../../../domain/evidence/verify-export.ts';
import { formatCheckpoint, logOrigin, signNote } from '../../../domain/log/checkpoint.ts';
import { decodeNote, encodeNote } from '../../../domain/log/signed-note.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../../../domain/log/tiles.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  auditedLog,
  BAD,
  exportOf,
  type Files,
  GOOD,
  LogWriter,
  NOW_MS,
  pins,
  readerOf,
  sourceOf,
  trust,
  withNewManifest,
} from '../../support/audited-log.ts';
import { noteSigner } from '../../support/note-keys.ts';
import { acceptance, ENVIRONMENT, envelopeOf, signerOf } from '../../support/sample-log.ts';

const BUNDLE = /^tiles\/tile\/entries\//;
const LEAVES = /^tiles\/tile\/0\//;

function verify(files: Files, change: Partial<VerifyInput> = {}): Promise<ExportVerdict> {
  return verifyExport(readerOf(files), { verify: verifyEd25519, nowMs: NOW_MS, ...change });
}

/** Each finding as `rule`, with the entry it names. */
function findings({ discrepancies }: ExportVerdict): string[] {
  return discrepancies.map(({ rule, entry }) => (entry === null ? rule : `${rule} ${entry}`));
}

let files: Files;
let size: number;

beforeAll(async () => {
  const writer = await auditedLog();
  size = writer.entries.length;
  files = await exportOf(await sourceOf(writer));
});

function pathOf(pattern: RegExp): string {
  return [...files.keys()].find((path) => pattern.test(path)) ?? '';
}

function edited(path: string, edit: (bytes: Uint8Array) => Uint8Array): Files {
  return withNewManifest(new Map(files).set(path, edit(files.get(path) ?? new Uint8Array())));
}

function without(path: string): Files {
  const rest = new Map(files);
  rest.delete(path);
  return rest;
}

describe('an export as it was written', () => {
  it('is verified, whole', async () => {
    expect(await verify(files, { pins })).toMatchObject({
      ok: true,
      environment: ENVIRONMENT,
      size,
      cosignedAt: '2026-01-01T00:00:00.000Z',
      fates: { honoured: size - 1, void: 0, duplicate: 0, inert: 1 },
      changes: 2,
      effects: { judged: 6, unjudged: 0 },
      discrepancies: [],
    });
  });

  it('of one change is verified too, and says what it could not judge', async () => {
    const some = await exportOf(await sourceOf(await auditedLog()), { changeId: BAD });
    expect(await verify(some)).toMatchObject({ ok: true, changes: 1, effects: { judged: 2, unjudged: 4 } });
    expect([...some.keys()].filter((path) => path.startsWith('histories/'))).toEqual([
      `histories/${BAD}/run-1.json`,
    ]);
  });

  it('of a time in which nothing happened holds the log and no bodies but the snapshot', async () => {
    const some = await exportOf(await sourceOf(await auditedLog()), { since: '2027-01-01T00:00:00.000Z' });
    expect(await verify(some)).toMatchObject({ ok: true, changes: 0, effects: { judged: 0, unjudged: 6 } });
  });

  it('of a log that has grown since its checkpoint ends with the checkpoint', async () => {
    const some = await exportOf(await sourceOf(await auditedLog(), 16));
    expect(await verify(some)).toMatchObject({ ok: true, size: 16, changes: 1 });
  });

  it('is not written where log and checkpoint are of two trees', async () => {
    const source = await sourceOf(await auditedLog());
    const other = new LogWriter();
    await other.begin();
    const forked = {
      ...source,
      entries: () =>
        (async function* () {
          yield* other.entries;
        })(),
    };
    const writing = writeExport(
      forked,
      { write: async () => {}, append: async () => {} },
      {},
      { verify: verifyEd25519, nowMs: NOW_MS },
    );
    await expect(writing).rejects.toMatchObject({ code: 'LOG_FORKED' });
  });
});

describe('a folder that somebody changed, and listed again', () => {
  const withEntries = (change: (entries: Uint8Array[]) => Uint8Array[]) => () =>
    edited(pathOf(BUNDLE), (bytes) => {
      const entries = decodeEntryBundle(bytes, { level: 'entries', index: 0, width: size });
      return encodeEntryBundle(change(entries));
    });
  const last = <T>(items: T[]) => items.slice(-1);

  it.each<[string, () => Files | Promise<Files>, string[]]>([
    ['an edited entry', withEntries((all) => all.with(4, canonicalBytes({ other: 4 }))), ['tile 4', 'root']],
    ['a dropped entry', withEntries((all) => all.toSpliced(4, 1)), ['entries 0']],
    ['a duplicated entry', withEntries((all) => all.with(5, all[4] ?? new Uint8Array())), ['tile 5', 'root']],
    [
      'two entries in another order',
      withEntries((all) => [...all.slice(0, 3), ...all.slice(3, 5).reverse(), ...all.slice(5)]),
      ['tile 3', 'root'],
    ],
    ['an entry too many', withEntries((all) => [...all, ...last(all)]), ['entries 0']],
    ['a truncated tile', () => edited(pathOf(LEAVES), (bytes) => bytes.subarray(32)), ['tile']],
    ['a tile of another tree', () => edited(pathOf(LEAVES), (bytes) => bytes.toReversed()), ['tile 0']],
    ['a truncated bundle', () => edited(pathOf(BUNDLE), (bytes) => bytes.subarray(0, -1)), ['entries 0']],
    ['no bundle', () => withNewManifest(without(pathOf(BUNDLE))), ['entries 0']],
    [
      'a plan that was edited under its name',
      () => edited(pathOf(/^bodies/), (bytes) => bytes.with(20, 0x20)),
      ['body-as-named 1'],
    ],
    [
      'a file that nothing explains',
      () => withNewManifest(new Map(files).set('x.txt', new Uint8Array())),
      ['file-has-a-reason'],
    ],
    [
      'a body that nothing names',
      () => withNewManifest(new Map(files).set(bodyFile(digestOf('x')), canonicalBytes('x'))),
      ['file-has-a-reason'],
    ],
    [
      'a friendlier flat log',
      () => edited(EXPORT_FILES.csv, (bytes) => bytes.subarray(0, -2)),
      ['flat-log-as-entries'],
    ],
    [
      'a change that the log does not know',
      () => withNewManifest(files, { changes: [BAD, GOOD, 'x'] }),
      ['changes-in-log'],
    ],
    ['another environment', () => withNewManifest(files, { environment: 'staging' }), ['one-environment']],
    ['no checkpoint', () => withNewManifest(without(EXPORT_FILES.checkpoint)), ['readable']],
    [
      'a checkpoint without its cosignature',
      () => edited(EXPORT_FILES.checkpoint, withoutLastLine),
      ['missing-cosignature'],
    ],
    [
      'a checkpoint of another log',
      () => otherCheckpoint(logOrigin('staging'), 'the log', size),
      ['wrong-origin', 'wrong-key'],
    ],
    [
      'a checkpoint by another key',
      () => otherCheckpoint(logOrigin(ENVIRONMENT), 'somebody', size),
      ['wrong-key'],
    ],
    [
      'a checkpoint of 2**60 entries',
      () => otherCheckpoint(logOrigin(ENVIRONMENT), 'the log', 2 ** 60),
      ['malformed'],
    ],
    [
      'a trust document that is no envelope',
      () => edited(EXPORT_FILES.trust, () => canonicalBytes({})),
      ['readable'],
    ],
    ['no pins', () => withNewManifest(without(EXPORT_FILES.pins)), ['readable']],
  ])('with %s is refused', async (_what, change, expected) => {
    const verdict = await verify(await change());
    expect(verdict.ok).toBe(false);
    expect(findings(verdict)).toEqual(expect.arrayContaining(expected));
    for (const { rule, message, remedy } of verdict.discrepancies)
      expect(rule === 'readable' ? '' : `${message}${remedy}`).not.toContain('undefined');
  });

  it('is refused by whoever brings pins of their own, even when it agrees with itself', async () => {
    const other = pinsOf(ENVIRONMENT, pins.trustDigest as Digest, {
      log: noteSigner('ed25519', logOrigin(ENVIRONMENT), 'mine').key,
      witnesses: [],
    });
    expect(findings(await verify(files, { pins: other }))).toEqual(['pins-are-mine', 'wrong-key']);
  });

  it('with an older checkpoint of the same log does not hide what came after', async () => {
    const older = await exportOf(await sourceOf(await auditedLog(), 16));
    const rolledBack = withNewManifest(
      new Map(files).set(EXPORT_FILES.checkpoint, older.get(EXPORT_FILES.checkpoint) ?? new Uint8Array()),
    );
    expect(findings(await verify(rolledBack))).toContain('file-has-a-reason');
  });

  const withoutLastLine = (bytes: Uint8Array) => {
    const note = decodeNote(bytes);
    return encodeNote({ ...note, signatures: note.signatures.slice(0, 1) });
  };

  async function otherCheckpoint(origin: string, holder: string, entries: number): Promise<Files> {
    const { key, sign } = noteSigner('ed25519', origin, holder);
    const text = formatCheckpoint({ origin, size: 1, root: new Uint8Array(32) }).replace(
      '\n1\n',
      `\n${entries}\n`,
    );
    const signatures = [await signNote(text, key, sign)];
    return edited(EXPORT_FILES.checkpoint, () => encodeNote({ text, signatures }));
  }
});

describe('a folder whose manifest was not touched', () => {
  it.each([
    ['a file less', () => without(EXPORT_FILES.jsonLines), 'file-is-here'],
    ['a file more', () => new Map(files).set('notes.txt', new Uint8Array()), 'no-other-file'],
    ['no manifest', () => without(EXPORT_FILES.manifest), 'readable'],
  ])('and with %s is refused', async (_what, change, rule) => {
    expect(findings(await verify(change()))).toContain(rule);
  });
});

describe('a log that its own keepers signed, cosigned and exported', () => {
  async function verdictOn(write: (writer: LogWriter) => Promise<unknown>): Promise<ExportVerdict> {
    const writer = new LogWriter();
    await writer.begin();
    await write(writer);
    return verify(await exportOf(await sourceOf(writer)));
  }
  const planned = (writer: LogWriter) => writer.plan(GOOD, '192.0.2.1', '192.0.2.2', null);
  const first = ({ stages: [stage] }: DnsPlan) => stage?.name ?? '';
  async function enact(writer: LogWriter, plan: DnsPlan): Promise<number> {
    const intent = await writer.intend(plan, first(plan), null);
    return writer.conclude(plan, first(plan), intent);
  }
  async function votes(writer: LogWriter, plan: DnsPlan): Promise<void> {
    for (const zone of ['a', 'b', 'c']) await writer.vote(plan, zone);
  }

  it.each<[string, string, (writer: LogWriter) => Promise<unknown>]>([
    [
      'an effect without votes',
      'votes',
      async (writer) => {
        const plan = await planned(writer);
        await writer.approve(plan);
        return enact(writer, plan);
      },
    ],
    [
      'an effect without an approval',
      'approvals',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        return enact(writer, plan);
      },
    ],
    [
      'evidence that came after the effect',
      'approvals',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        const intent = await writer.intend(plan, first(plan), null);
        await writer.approve(plan);
        return writer.conclude(plan, first(plan), intent);
      },
    ],
    [
      'the approval of another plan',
      'approvals',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        await writer.approve(plan, { planDigest: digestOf('another') });
        return enact(writer, plan);
      },
    ],
    [
      'an approval that had expired',
      'approvals',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        await writer.approve(plan, {
          issuedAt: '2025-12-31T23:40:00.000Z',
          expiresAt: '2025-12-31T23:50:00.000Z',
        });
        return enact(writer, plan);
      },
    ],
    [
      "the author's own approval",
      'approvals',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        const inner = { changeId: GOOD, planDigest: digestOf(plan), approver: 'ada' };
        await writer.append(await acceptance({ inner, approver: 'ada' }));
        return enact(writer, plan);
      },
    ],
    [
      'one person who approved twice',
      'one-person-one-decision',
      async (writer) => {
        const plan = await planned(writer);
        await votes(writer, plan);
        await writer.approve(plan);
        await writer.approve(plan, { nonce: 'once-more' });
      },
    ],
    [
      'votes under a key that is not (any more) in the trust document',
      'votes',
      async (writer) => {
        const plan = await planned(writer);
        await writer.approve(plan);
        for (const voterZone of ['a', 'b', 'c']) {
          const vote = { changeId: GOOD, planDigest: digestOf(plan), voter: `voter.${voterZone}`, voterZone };
          await writer.append(await envelopeOf('vote', vote, 'a retired key'));
        }
        return enact(writer, plan);
      },
    ],
    [
      'a stage that did not pass',
      'stage-verdict',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        const [one, two] = plan.stages;
        const intent = await writer.intend(plan, one?.name ?? '', null);
        await writer.conclude(plan, one?.name ?? '', intent);
        await writer.judge(plan, one?.name ?? '', intent, 20);
        const next = await writer.intend(plan, two?.name ?? '', String(intent));
        return writer.conclude(plan, two?.name ?? '', next);
      },
    ],
    [
      'a commit before its last stage',
      'last-stage-applied',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        await enact(writer, plan);
        return writer.commit(plan);
      },
    ],
    [
      'a commit of something else than the plan',
      'moves-as-planned',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        await enact(writer, plan);
        return writer.commit(plan, digestOf('something else'));
      },
    ],
    [
      'an outcome without its intent',
      'intent-before-outcome',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        return writer.conclude(plan, first(plan), 1);
      },
    ],
    [
      'an outcome of a change that is not there',
      'intent-before-outcome',
      async (writer) => {
        await writer.say('outcome', { changeId: 'nowhere' });
      },
    ],
    [
      'an intent on a fence that nobody wrote',
      'fence-explained',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        return writer.intend(plan, first(plan), '99');
      },
    ],
    [
      'an effect that its fence does not show',
      'fence-explained',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        const intent = await writer.intend(plan, first(plan), null);
        return writer.conclude(plan, first(plan), intent, { fence: null });
      },
    ],
    [
      'an effect that its fence shows, and its outcome denies',
      'fence-explained',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        const intent = await writer.intend(plan, first(plan), null);
        return writer.conclude(plan, first(plan), intent, { result: 'not-applied' });
      },
    ],
    [
      'two writers on one fence',
      'fence-explained',
      async (writer) => {
        const plan = await planned(writer);
        await writer.allow(plan);
        const one = await writer.intend(plan, first(plan), null);
        await writer.conclude(plan, first(plan), one);
        await writer.judge(plan, first(plan), one);
        const name = plan.stages[1]?.name ?? '';
        const two = await writer.intend(plan, name, null);
        return writer.conclude(plan, name, two);
      },
    ],
    [
      'a snapshot that is not its prefix',
      'snapshot-is-prefix',
      async (writer) => {
        const { size } = writer.fold.state;
        const state = { ...structuredClone(writer.fold.state), live: { forged: {} } };
        await writer.say('snapshot', { size, stateDigest: writer.put({ previous: digestOf('x'), state }) });
      },
    ],
    [
      'a request that says something else than its body',
      'request-as-described',
      async (writer) => {
        const requestDigest = writer.put({ ...JSON.parse('{}') });
        await writer.say('request', { changeId: 'odd', requestDigest });
        const plan = await planned(writer);
        const other = await envelopeOf('request', {
          changeId: 'other',
          requestDigest: plan.requestDigest,
          emergency: true,
        });
        await writer.append(other);
        await writer.say('plan', {
          changeId: 'other',
          requestDigest: plan.requestDigest,
          planDigest: digestOf(plan),
        });
      },
    ],
    [
      'a plan that is none',
      'readable',
      async (writer) => {
        const plan = await planned(writer);
        const planDigest = writer.put({ no: 'plan' });
        await writer.say('plan', { changeId: GOOD, requestDigest: plan.requestDigest, planDigest });
      },
    ],
  ])('is refused for %s', async (_what, rule, write) => {
    const verdict = await verdictOn(write);
    expect(verdict.ok).toBe(false);
    expect(verdict.discrepancies.map((one) => one.rule)).toContain(rule);
    expect(verdict.discrepancies.find((one) => one.rule === rule)?.entry ?? -1).toBeGreaterThan(0);
  });

  it('is refused for a body that is gone from the store', async () => {
    const writer = await auditedLog();
    const [digest] = writer.bodies.keys();
    writer.bodies.delete(digest as Digest);
    const verdict = await verify(await exportOf(await sourceOf(writer)));
    expect(findings(verdict)).toEqual(['body-is-here 1']);
  });

  it('of a log that begins with another trust document is refused', async () => {
    const writer = new LogWriter();
    await writer.say('trust', { document: { ...trust, version: 7 } });
    const verdict = await verify(await exportOf(await sourceOf(writer)));
    expect(findings(verdict)).toEqual(['trust-in-log']);
    expect(verdict.fates).toMatchObject({ honoured: 0, inert: 1 });
  });

  it('without entries is no evidence, and crashes nothing', async () => {
    const verdict = await verify(await exportOf(await sourceOf(new LogWriter())));
    expect(findings(verdict)).toEqual(['trust-in-log']);
  });

  it.each([
    ['unsigned', canonicalBytes({ payload: 'e30=', payloadType: 'x', signatures: [] })],
    ['no JSON', new Uint8Array([0xff, 0x00])],
    ['empty', new Uint8Array()],
    ['not canonical', new TextEncoder().encode('{ "a": 1 }')],
    ['twice the same key', new TextEncoder().encode('{"a":1,"a":2}')],
  ])('may hold rubbish (%s): it counts for nothing and is no fault of the log', async (_what, bytes) => {
    const verdict = await verdictOn(async (writer) => writer.appendBytes(bytes));
    expect(verdict).toMatchObject({ ok: true, fates: { inert: 1 } });
  });

  it('may hold a statement by nobody who may say it, which counts for nothing', async () => {
    const verdict = await verdictOn(async (writer) =>
      writer.append(await envelopeOf('freeze', {}, signerOf('eve').keyId)),
    );
    expect(verdict).toMatchObject({ ok: true, fates: { inert: 1 } });
  });
});
