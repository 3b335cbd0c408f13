import { describe, expect, test } from 'vitest';
import { planDocuments } from '../../../activities/documents/plan-documents.ts';
import type { PlanningPorts } from '../../../activities/planned.ts';
import { DomainError } from '../../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { emptyLogState } from '../../../domain/log/state.ts';
import { NOW_MS } from '../../support/dns-plans.ts';
import {
  aSwitch,
  config,
  type Documents,
  liveDocuments,
  requestFor,
  TIMEOUTS_SCHEMA,
} from '../../support/document-plans.ts';
import { signedTrust } from '../../support/sample-log.ts';

/** Each body is another, so that what was read can be told by its resource. */
const LIVE: Documents = {
  'schema/timeouts': TIMEOUTS_SCHEMA,
  'schema/limits': { ...TIMEOUTS_SCHEMA, title: 'limits' },
  'config/_global/timeouts': config({ readMs: 1 }),
  'config/_environment/timeouts': config({ readMs: 2 }),
  'config/_tenant.acme/timeouts': config({ readMs: 3 }),
  'config/payments/timeouts': config({ readMs: 4 }),
  'config/orders/timeouts': config({ readMs: 5 }),
  'config/_global/limits': config({ readMs: 6 }, 'schema/limits@^1'),
  'config/payments/limits': config({ readMs: 7 }, 'schema/limits@^1'),
  'switch/trading': aSwitch(),
  'switch/search': aSwitch({ owner: 'team-search' }),
};
const TIMEOUT_LAYERS = [
  'config/_environment/timeouts',
  'config/_global/timeouts',
  'config/_tenant.acme/timeouts',
];

/** The resources whose bodies one plan and its judgements read, each as often as it was; `onRead` may wait. */
async function bodiesRead(
  operation: object,
  others: Documents = {},
  base: object = {},
  onRead = async () => {},
): Promise<string[]> {
  const { live, bodies } = liveDocuments({ ...LIVE, ...others });
  const resourceOf = new Map(Object.entries(live).map(([resource, { digest }]) => [digest, resource]));
  const read: string[] = [];
  const get = async (digest: Digest) => {
    const resource = resourceOf.get(digest);
    if (resource === undefined) throw new DomainError('NOT_FOUND', `There is no ${digest}.`);
    read.push(resource);
    await onRead();
    return canonicalBytes(bodies.get(digest));
  };
  const request = requestFor({ operations: [operation] });
  Object.assign(request.spec, { base });
  const ports = { bodies: { get }, trust: signedTrust(), environment: 'prod' } as unknown as PlanningPorts;
  const change = { changeId: 'chg-1', request, requestDigest: digestOf(request) };
  const planned = await planDocuments(ports, change, { ...emptyLogState('prod', signedTrust()), live });
  if (planned.plan === null) throw new Error('the scene has no plan');
  planned.judgeCausality();
  planned.judgeInvariants(NOW_MS);
  return read.sort();
}

describe('planDocuments reads of what is live', () => {
  test.for<[string, object, string[]]>([
    [
      'for a service: its document, the layers under it, its schema',
      { set: 'config/payments/timeouts', body: config({ readMs: 40 }) },
      [...TIMEOUT_LAYERS, 'config/payments/timeouts', 'schema/timeouts'],
    ],
    [
      'for a layer: the services over it, the other layers, their schemas',
      { set: 'config/_global/timeouts', body: config({ readMs: 10 }) },
      [...TIMEOUT_LAYERS, 'config/orders/timeouts', 'config/payments/timeouts', 'schema/timeouts'],
    ],
    [
      'for a schema: the configs that depend on it',
      { set: 'schema/limits', body: { ...TIMEOUTS_SCHEMA, title: 'other limits' } },
      ['config/_global/limits', 'config/payments/limits', 'schema/limits'],
    ],
    [
      'for a config that moves to another schema: that schema too',
      { set: 'config/payments/limits', body: config({ readMs: 70 }) },
      ['config/_global/limits', 'config/payments/limits', 'schema/limits', 'schema/timeouts'],
    ],
    [
      'for a switch: nothing else',
      { set: 'switch/trading', body: aSwitch({ engaged: true }) },
      ['switch/trading'],
    ],
    ['for one that is removed: as if it were changed', { remove: 'switch/search' }, ['switch/search']],
  ])('%s', async ([, operation, expected]) => {
    expect(await bodiesRead(operation)).toEqual(expected);
  });

  test('no more among a thousand other documents', async () => {
    const others = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [
        `config/service-${i}/document-${i}`,
        config({ readMs: 100 + i }),
      ]),
    );
    const operation = { set: 'config/payments/timeouts', body: config({ readMs: 40 }) };
    expect(await bodiesRead(operation, others)).toHaveLength(5);
  });

  test('a layer under hundreds of services without asking for all of them at once', async () => {
    const others = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`config/service-${i}/timeouts`, config({ readMs: 100 + i })]),
    );
    let [open, most] = [0, 0];
    const onRead = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise(setImmediate);
      open -= 1;
    };
    const operation = { set: 'config/_global/timeouts', body: config({ readMs: 10 }) };
    expect(await bodiesRead(operation, others, {}, onRead)).toHaveLength(306);
    expect(most).toBeLessThanOrEqual(16);
  });

  test("of the author's bases only those that the request changes, each once", async () => {
    const operation = { set: 'switch/trading', body: aSwitch({ engaged: true }) };
    const { live } = liveDocuments(LIVE);
    const base = {
      'switch/trading': live['switch/search']?.digest,
      'config/payments/limits': live['config/payments/limits']?.digest,
    };
    expect(await bodiesRead(operation, {}, base)).toEqual(['switch/search', 'switch/trading']);
  });
});
