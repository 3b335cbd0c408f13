import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { canonicalBytes, type Digest, digestHex } from '../../domain/evidence/canonical-json.ts';
import type { Move } from '../../domain/evidence/statements.ts';
import { jsonLines, type Ran } from '../support/command-line.ts';
import { errorAnswer, JSON_ANSWERS } from '../support/json-answers.ts';
import { AT, envelopeOf } from '../support/sample-log.ts';
import { killSwitch, TIMEOUTS, TRADING, timeouts } from '../support/sdk-scene.ts';
import { type StoredLog, storedLog, TestBucket } from '../support/stored-log.ts';

/** What people's command line makes of a bucket that somebody with every right has been at. Real S3 with IAM. */

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await TestBucket.create('record');
});

const FAR = { expiresAt: '2099-01-01T00:00:00Z' };
const READS = [
  ['get', TIMEOUTS],
  ['log', TIMEOUTS],
  ['ls'],
  ['tree'],
  ['diff', `${TIMEOUTS}@1.0.0`, TIMEOUTS],
  ['blame', TIMEOUTS],
];

/** Two changes, a snapshot, all of it published; the newest version says 200. */
async function scene() {
  const made = await storedLog(bucket);
  onTestFinished(made.dispose);
  await made.history.make('chg-1', { [TIMEOUTS]: timeouts({ readMs: 100 }), [TRADING]: killSwitch(FAR) });
  await made.snapshot();
  await made.history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
  await made.publish();
  return made;
}

function live({ log }: StoredLog, resource = TIMEOUTS) {
  const found = log.lastKnown().live[resource];
  if (!found?.digest || !found.versionDigest) throw new Error(`${resource} is not live`);
  return { digest: found.digest, versionDigest: found.versionDigest, index: found.index };
}

function bodyNamed({ environment }: StoredLog, digest: Digest): string {
  return `bodies/${environment}/sha256/${digestHex(digest)}`;
}

const integrity = (ran: Ran) => {
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 11 });
  return errorAnswer.parse(jsonLines(ran)[0]).error;
};

/** The stored bytes, one of them another. */
function edited(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(bytes).replace('200', '900'));
}

describe('of what was tampered with nothing is served', () => {
  const altered: [string, (made: StoredLog) => Promise<string>][] = [
    [
      'a body that was overwritten',
      async (made) => {
        const { digest } = live(made);
        await bucket.overwrite(bodyNamed(made, digest), edited(await made.bodies.get(digest)));
        return bodyNamed(made, digest);
      },
    ],
    [
      'a body that was truncated',
      async (made) => {
        const { digest } = live(made);
        await bucket.overwrite(bodyNamed(made, digest), (await made.bodies.get(digest)).subarray(0, -9));
        return bodyNamed(made, digest);
      },
    ],
    [
      'a body that was deleted',
      async (made) => {
        const { digest } = live(made);
        await bucket.delete(bodyNamed(made, digest));
        return digest;
      },
    ],
    [
      'a version statement that was altered',
      async (made) => {
        const { versionDigest } = live(made);
        const statement = await envelopeOf('version', { environment: made.environment, resource: TIMEOUTS });
        await bucket.overwrite(bodyNamed(made, versionDigest), canonicalBytes(statement));
        return bodyNamed(made, versionDigest);
      },
    ],
    [
      'a version statement that says something else than the commit',
      async (made) => {
        const { digest, index } = live(made);
        const about = { environment: made.environment, resource: TIMEOUTS, version: '1.2.0' };
        const statement = await envelopeOf('version', { ...about, digest, parent: null, changeId: 'chg-3' });
        const versionDigest = await made.bodies.put(canonicalBytes(statement));
        await commitBy(made, 'chg-3', { from: digest, to: digest, version: '1.2.0', versionDigest });
        return `entry ${index + 4}`;
      },
    ],
  ];
  test.each(altered)('%s', async (_name, tamper) => {
    const made = await scene();
    const named = await tamper(made);
    for (const args of [
      ['get', TIMEOUTS],
      ['blame', TIMEOUTS],
      ['diff', `${TIMEOUTS}@1.0.0`, TIMEOUTS],
    ]) {
      const error = integrity(await made.run([...args, '--json']));
      expect(error).toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(error.message).toContain(named);
    }
    // Each version is for itself, and what the log itself says is still served.
    expect(await made.run(['get', `${TIMEOUTS}`, '--version', '1.0.0'])).toMatchObject({ status: 0 });
    expect(await made.run(['ls'])).toMatchObject({ status: 0 });
  });

  const shortened: [string, (made: StoredLog, names: string[]) => Promise<void>, RegExp][] = [
    [
      'a log object that was truncated',
      async (_made, names) => {
        const name = names.at(-1) ?? '';
        await bucket.destroy(name);
        await bucket.overwrite(name, new TextEncoder().encode('{"first":4'));
      },
      /has \d+ entries; its witnesses cosigned|are not those that its witnesses cosigned/,
    ],
    [
      'an entry that is missing',
      async (_made, names) => bucket.destroy(names[1] ?? ''),
      /has 3 entries; its witnesses cosigned 9/,
    ],
    [
      'a log that got shorter',
      async (_made, names) => bucket.destroy(names.at(-1) ?? ''),
      /has 8 entries; its witnesses cosigned 9/,
    ],
  ];
  test.each(shortened)('%s', async (_name, tamper, message) => {
    const made = await scene();
    await tamper(made, await made.objectNames());
    for (const args of READS) {
      const error = integrity(await made.run([...args, '--json']));
      expect(error).toMatchObject({ code: 'LOG_FORKED', message: expect.stringMatching(message) });
    }
  });

  test('a log that got shorter since this machine read it, and was never cosigned so far', async () => {
    const made = await scene();
    await made.history.make('chg-3', { [TIMEOUTS]: timeouts({ readMs: 300 }) });
    expect(await made.run(['ls'])).toMatchObject({ status: 0 });
    const last = (await made.objectNames()).at(-1) ?? '';
    await bucket.destroy(last);
    const error = integrity(await made.run(['get', TIMEOUTS, '--json']));
    expect(error).toMatchObject({ code: 'LOG_FORKED', message: expect.stringContaining(last) });
    expect(integrity(await made.run(['status', '--json'])).code).toBe('LOG_FORKED');
    // A machine that never saw it has nothing to miss.
    expect(await made.run(['ls'], await made.writeInstallation())).toMatchObject({ status: 0 });
  });

  test('what this machine remembers, when somebody edited it', async () => {
    const made = await scene();
    expect(await made.run(['ls'])).toMatchObject({ status: 0 });
    const memory = join(made.home, 'dev', 'memory', made.environment, 'last-good');
    writeFileSync(memory, readFileSync(memory, 'utf8').replace('"size":9', '"size":8'));
    const error = integrity(await made.run(['status', '--json']));
    expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', message: expect.stringContaining(memory) });
  });

  const ignored: [string, (made: StoredLog) => Promise<unknown>, RegExp][] = [
    [
      'an entry signed by the wrong key',
      (made) => commitBy(made, 'chg-3', { from: live(made).digest }, 'orchestrator'),
      /^Entry 12 counts for nothing, though it says that it moves config\/payments\/timeouts: only the role enactor/m,
    ],
    [
      'a clock that goes back',
      (made) => commitBy(made, 'chg-3', { from: live(made).digest, clock: 0 }),
      /^Entry 12 counts for nothing, though it says that it moves .*: its clock goes back/m,
    ],
  ];
  test.each(ignored)(
    '%s: it is named, and what was live before is still answered',
    async (_name, tamper, said) => {
      const made = await scene();
      await tamper(made);
      for (const args of READS) {
        const ran = await made.run(args);
        expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(said) });
      }
      expect(jsonLines(await made.run(['get', TIMEOUTS, '--json']))).toMatchObject([{ version: '1.1.0' }]);
      const [report] = jsonLines(await made.run(['store', 'check', '--json']));
      expect(report).toMatchObject({ ignored: [{ entry: 12 }] });
    },
  );
});

/** Request, plan, intent and a commit of one move, whatever it says. */
async function commitBy(made: StoredLog, changeId: string, move: Partial<Move>, holder?: string) {
  const { environment, log, bodies } = made;
  const put = async (text: string) => bodies.put(canonicalBytes(text));
  const requestDigest = await put(`request of ${changeId}`);
  const about = { environment, changeId, planDigest: await put(`plan of ${changeId}`), zone: null };
  const moves: Move[] = [
    {
      ...{ resource: TIMEOUTS, from: null, to: live(made).digest, version: '1.2.0', versionDigest: null },
      ...{ clock: 1, vector: {}, dependsOn: [], ...move },
    },
  ];
  await log.append([
    await envelopeOf('request', {
      environment,
      changeId,
      requestDigest,
      nonce: changeId,
      resources: [TIMEOUTS],
    }),
    await envelopeOf('plan', { ...about, requestDigest, resources: [TIMEOUTS] }),
    await envelopeOf('intent', about),
  ]);
  return log.append([await envelopeOf('commit', { ...about, moves, rollout: null, at: AT }, holder)]);
}

interface Report {
  findings: {
    name: string;
    entry: number | null;
    damage: string;
    isRepaired: boolean;
    next: string | null;
  }[];
}

async function check(
  made: StoredLog,
  args: string[] = [],
  machine?: string,
): Promise<Report & { status: number }> {
  const ran = await made.run(['store', 'check', '--json', ...args], machine);
  return { ...(JSON_ANSWERS['store check']?.parse(jsonLines(ran)[0]) as Report), status: ran.status };
}

const found = ({ findings }: Report) =>
  findings.map(({ name, entry, damage }) => [name, entry, damage]).sort();

describe('store check', () => {
  test('finds nothing in a bucket as it was written', async () => {
    const made = await scene();
    expect(await check(made)).toMatchObject({ status: 0, size: 9, covered: 9, findings: [], ignored: [] });
    const ran = await made.run(['store', 'check']);
    expect(ran.stdout).toMatch(/^SOUND {4}record-\d+: \d+ objects of 9 entries, 9 of them cosigned\.\n$/);
  });

  test('names what was deleted, overwritten and cut off, and puts first versions back', async () => {
    const made = await scene();
    const { digest, versionDigest } = live(made);
    const names = await made.objectNames();
    const { snapshot } = made.log.lastKnown();
    if (!snapshot) throw new Error('no snapshot');
    const snapshotName = `snapshots/${made.environment}/${'4'.padStart(20, '0')}-${digestHex(snapshot.stateDigest)}`;
    const tile = `tiles/${made.environment}/tile/0/000.p/9`;
    await bucket.delete(bodyNamed(made, digest));
    const statement = await made.bodies.get(versionDigest);
    await bucket.overwrite(bodyNamed(made, versionDigest), statement.subarray(0, 100));
    await bucket.overwrite(snapshotName, new TextEncoder().encode('{}'));
    await bucket.overwrite(names[0] ?? '', new TextEncoder().encode('forged'));
    await bucket.delete(names[1] ?? '');
    await bucket.delete(tile);
    const damaged = [
      [bodyNamed(made, digest), 8, 'deleted'],
      [bodyNamed(made, versionDigest), 8, 'truncated'],
      [snapshotName, 4, 'overwritten'],
      [names[0], 0, 'overwritten'],
      [names[1], 3, 'deleted'],
      [tile, null, 'deleted'],
    ];

    // The log is read from first versions, whatever lies over them.
    expect(jsonLines(await made.run(['ls', '--json']))).toMatchObject([
      { size: 9, versions: [{ version: '1.1.0' }, { version: '1.0.0' }] },
    ]);
    const before = await check(made);
    expect(before.status).toBe(11);
    expect(found(before)).toEqual(damaged.sort());

    // People's own credentials are not enough.
    const powerless = await check(made, ['--repair'], await made.writeInstallation({ keeper: undefined }));
    expect(powerless.status).toBe(11);
    for (const { isRepaired, next } of powerless.findings) {
      expect({ isRepaired, next }).toMatchObject({
        isRepaired: false,
        next: expect.stringContaining('keeper'),
      });
    }

    const repaired = await check(made, ['--repair']);
    expect(repaired.status).toBe(0);
    expect(found(repaired)).toEqual(damaged);
    expect(repaired.findings.every(({ isRepaired, next }) => isRepaired && next === null)).toBe(true);
    expect(await check(made)).toMatchObject({ status: 0, findings: [] });
    expect(jsonLines(await made.run(['get', TIMEOUTS, '--json']))).toMatchObject([
      { body: timeouts({ readMs: 200 }) },
    ]);
  });

  test('says what no version is left of, and what cannot be put back', async () => {
    const made = await scene();
    const { digest } = live(made);
    await bucket.destroy(bodyNamed(made, digest));
    const report = await check(made, ['--repair']);
    expect(report.status).toBe(11);
    expect(found(report)).toEqual([[bodyNamed(made, digest), 8, 'missing']]);
    expect(report.findings[0]?.next).toContain('audit export');
  });

  test('names the first entry that is another than was cosigned, and touches no tile then', async () => {
    const made = await scene();
    const name = (await made.objectNames()).at(-1) ?? '';
    await bucket.destroy(name);
    await bucket.overwrite(name, new TextEncoder().encode('cut off'));
    const report = await check(made, ['--repair']);
    expect(report.status).toBe(11);
    expect(found(report)).toContainEqual([name, 8, 'altered']);
    expect(report.findings.filter(({ name }) => name.startsWith('tiles/'))).toEqual([]);
  });

  test('names an entry from which on the log is gone', async () => {
    const made = await scene();
    const names = await made.objectNames();
    await bucket.destroy(names[1] ?? '');
    const report = await check(made);
    expect(report.status).toBe(11);
    expect(found(report)).toContainEqual([names[1], 3, 'missing']);
  });
});

describe('snapshot list', () => {
  test('names the snapshots of the log, and whether they are what their prefix makes', async () => {
    const made = await scene();
    const listed = await made.run(['snapshot', 'list', '--json']);
    expect(JSON_ANSWERS['snapshot list']?.parse(jsonLines(listed)[0])).toMatchObject({
      size: 4,
      index: 4,
      result: null,
    });
    const verified = await made.run(['snapshot', 'list', '--verify', '--json']);
    expect(verified.status).toBe(0);
    expect(jsonLines(verified)).toMatchObject([{ size: 4, result: 'same', why: null }]);
  });

  test('says which one disagrees with its prefix; the check says so too, and nobody may mend it', async () => {
    const made = await scene();
    const { environment, log } = made;
    const { previous, state } = log.position();
    const lie = canonicalBytes({ previous, state: { ...state, live: {} } });
    const stateDigest = await made.putSnapshot(state.size, lie);
    await log.append([await envelopeOf('snapshot', { environment, size: state.size, stateDigest, at: AT })]);
    const ran = await made.run(['snapshot', 'list', '--verify', '--json']);
    expect(ran.status).toBe(11);
    expect(jsonLines(ran)).toMatchObject([
      { size: 4, result: 'same' },
      { size: 9, result: 'different', why: expect.stringContaining('the first 9 entries make sha256:') },
    ]);
    const report = await check(made, ['--repair']);
    expect(report.status).toBe(11);
    expect(report.findings).toMatchObject([{ entry: 9, damage: 'disagrees', isRepaired: false }]);
  });
});
