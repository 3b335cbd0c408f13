import { beforeEach, describe, expect, test } from 'vitest';
import { toAddress } from '../../../client/cli/selector.ts';
import { blame, blameText, differenceText, versionsText } from '../../../client/cli/store-text.ts';
import { plain } from '../../../client/cli/style.ts';
import { createStore } from '../../../client/direct-store.ts';
import type { StoredVersion } from '../../../client/store.ts';
import { wayBack } from '../../../client/way-back.ts';
import { diffDocuments } from '../../../domain/change/document-diff.ts';
import { DomainError } from '../../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { judgeUnder } from '../../../domain/log/authority.ts';
import { emptyLogState } from '../../../domain/log/state.ts';
import { ENVIRONMENT, envelopeOf, sampleMove, signedTrust } from '../../support/sample-log.ts';

const CONFIG = 'config/payments/timeouts';
const RECORD = 'dns/example.com/@/A';
const GROUP = [{ name: 'example.com', type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] }];
const bodyOne = { schema: 'schema/timeouts@^1', value: { ms: 800, retries: 3 } };
const bodyTwo = { schema: 'schema/timeouts@^1', value: { ms: 900, retries: 3 } };
const time = (minute: number) => `2026-11-21T10:0${minute}:00.000Z`;

let entries: Uint8Array[];
let bodies: Map<Digest, Uint8Array>;

async function commit(
  minute: number,
  resource: string,
  from: Digest | null,
  to: Digest | null,
  version: string | null,
) {
  const changeId = `chg-00000000000${entries.length}`;
  const moves = [sampleMove({ resource, from, to, version, dependsOn: [] })];
  entries.push(canonicalBytes(await envelopeOf('request', { changeId, author: 'alice' })));
  entries.push(
    canonicalBytes(
      await envelopeOf('commit', { changeId, zone: null, rollout: null, moves, at: time(minute) }),
    ),
  );
}

function store(indexOf: (position: number) => number = (position) => position) {
  return createStore({
    environment: ENVIRONMENT,
    checkpoint: async () => null,
    log: {
      sync: async () => emptyLogState(ENVIRONMENT, signedTrust()),
      async *entries() {
        for (const [position, bytes] of entries.entries()) {
          const index = indexOf(position);
          yield {
            index,
            bytes,
            fate: { fate: 'honoured', index } as const,
            judge: judgeUnder(signedTrust(), () => true),
          };
        }
      },
    },
    bodies: {
      async get(digest) {
        const bytes = bodies.get(digest);
        if (!bytes) throw new DomainError('NOT_FOUND', `There is no body ${digest}.`);
        return bytes;
      },
    },
    readPlan: async () => ({ kind: 'dns', resources: [{ resource: RECORD, after: GROUP }] }) as never,
  });
}

beforeEach(async () => {
  entries = [];
  bodies = new Map([bodyOne, bodyTwo].map((body) => [digestOf(body), canonicalBytes(body)]));
  await commit(1, CONFIG, null, digestOf(bodyOne), '1.0.0');
  await commit(2, CONFIG, digestOf(bodyOne), digestOf(bodyTwo), '1.1.0');
  await commit(3, RECORD, null, digestOf(GROUP), null);
});

describe('the state at an instant', () => {
  test('is the prefix of the log up to it', async () => {
    const versions = async (instant: Parameters<ReturnType<typeof store>['stateAt']>[0]) =>
      (await store().stateAt(instant)).versions.map((one) => one.version);
    expect(await versions('head')).toEqual(['1.1.0', null]);
    expect(await versions({ size: 2 })).toEqual(['1.0.0']);
    expect(await versions({ size: 1 })).toEqual([]);
    expect(await versions({ time: time(0) })).toEqual([]);
    expect(await versions({ time: time(1) })).toEqual(['1.0.0']);
    await expect(store().stateAt({ size: 7 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('says so when a clock went back over it', async () => {
    expect(await store().stateAt({ time: time(2) })).toMatchObject({ size: 5, ambiguous: false });
    await commit(2, CONFIG, digestOf(bodyTwo), null, null);
    expect(await store().stateAt({ time: time(2) })).toMatchObject({ size: 5, ambiguous: true });
    expect((await store().stateAt('head')).versions.map((one) => one.resource)).toEqual([RECORD]);
  });
});

describe('a body', () => {
  const bodyAt = async (address: string) => {
    const { resource, selector } = toAddress(address);
    const reader = store();
    return reader.bodyOf(await reader.versionAt(resource, selector));
  };

  test('is that of the version, of a document as of records at the apex', async () => {
    expect(await bodyAt(`${CONFIG}@1.0.0`)).toEqual(bodyOne);
    expect(await bodyAt(`${CONFIG}@entry:1`)).toEqual(bodyOne);
    expect(await bodyAt(`${CONFIG}@${time(2)}`)).toEqual(bodyTwo);
    expect(await bodyAt(CONFIG)).toEqual(bodyTwo);
    expect(await bodyAt(RECORD)).toEqual(GROUP);
  });

  test('that is gone is a loss of integrity, and nothing is served', async () => {
    bodies.clear();
    await expect(bodyAt(CONFIG)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', kind: 'integrity' });
  });

  test('of records whose plan says otherwise is refused', async () => {
    await commit(4, RECORD, digestOf(GROUP), digestOf('another group'), null);
    await expect(bodyAt(RECORD)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

test('a missing entry is named', async () => {
  const gap = store((position) => (position < 3 ? position : position + 1));
  await expect(gap.stateAt('head')).rejects.toMatchObject({
    code: 'LOG_FORKED',
    message: 'The log gives entry 4 where entry 3 belongs.',
  });
});

test('an unknown resource is answered with names that are close', async () => {
  await expect(store().versionsOf('config/payment/timeouts')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    details: { next: `Did you mean ${CONFIG}?` },
  });
  await expect(store().versionsOf('flag/x')).rejects.toMatchObject({
    details: { next: expect.stringContaining('resilience-ctl ls') },
  });
});

test('the way back is a request with bases, for documents and for records', async () => {
  const reader = store();
  const [old, live] = (await reader.versionsOf(CONFIG)) as [StoredVersion, StoredVersion];
  const about = { environment: 'demo', reason: 'Back to what worked' };
  const { request } = await wayBack(reader, { ...about, returns: [{ from: live, to: old }] });
  expect(request.spec).toMatchObject({
    operations: [{ set: CONFIG, body: bodyOne }],
    base: { [CONFIG]: digestOf(bodyTwo) },
  });
  const [record] = (await reader.versionsOf(RECORD)) as [StoredVersion];
  const removed = { ...record, digest: null };
  const records = await wayBack(reader, { ...about, returns: [{ from: removed, to: record }] });
  expect(records.request.spec).toMatchObject({
    operations: [{ set: RECORD, body: { ttl: 60, values: ['192.0.2.1'] } }],
    base: { [RECORD]: null },
  });
  const gone = await wayBack(reader, { ...about, returns: [{ from: record, to: removed }] });
  expect(gone.request.spec.operations).toEqual([{ remove: RECORD }]);
  const mixed = [
    { from: live, to: old },
    { from: removed, to: record },
  ];
  await expect(wayBack(reader, { ...about, returns: mixed })).rejects.toMatchObject({
    code: 'SCHEMA_INVALID',
  });
});

test('versions, differences and blame read as git and Terraform write them', async () => {
  const reader = store();
  const versions = await reader.versionsOf(CONFIG);
  const [before = null, after = null] = versions;
  const stable = (text: string) =>
    text.replaceAll(/\d{4}-\d\d-\d\d \S+ [+-]\d\d:\d\d/g, 'TIME').replaceAll(/sha256:\w+/g, 'DIGEST');
  expect(stable(versionsText(versions, plain))).toBe(
    `${CONFIG} 1.1.0
    Change  chg-000000000002 by alice
    Live    TIME, entry 3
    Digest  DIGEST

${CONFIG} 1.0.0
    Change  chg-000000000000 by alice
    Live    TIME, entry 1
    Digest  DIGEST
`,
  );
  const edits = diffDocuments(bodyOne, bodyTwo);
  expect(stable(differenceText({ before, after, edits }, plain))).toBe(
    `--- ${CONFIG} 1.0.0  entry 1  TIME  chg-000000000000  alice
+++ ${CONFIG} 1.1.0  entry 3  TIME  chg-000000000002  alice
  ~ /value/ms: 800 → 900
`,
  );
  const bodies = await Promise.all(
    versions.map(async (version) => ({ version, body: await reader.bodyOf(version) })),
  );
  expect(stable(blameText(blame(bodies), plain))).toBe(
    `1.0.0  chg-000000000000  alice  TIME  /schema: "schema/timeouts@^1"
1.1.0  chg-000000000002  alice  TIME  /value/ms: 900
1.0.0  chg-000000000000  alice  TIME  /value/retries: 3
`,
  );
});
