import { describe, expect, test } from 'vitest';
import { judgeDocumentCausality } from '../../../domain/causality/judge-document-causality.ts';
import type { VectorClock } from '../../../domain/causality/vector-clock.ts';
import { dependenciesOf } from '../../../domain/causality/would-be.ts';
import type { DocumentPlan, PlannedDocument } from '../../../domain/change/document-plan.ts';
import type { ChangeRequest } from '../../../domain/change/request.ts';
import { type Digest, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { documentKindOf } from '../../../domain/kinds/documents.ts';
import type { LiveVersion, LogState } from '../../../domain/log/state.ts';
import { CHANGE_ID, ENVIRONMENT, sampleRequest, sampleState } from '../../support/sample-change.ts';
import { SOME_PERMISSIONS } from '../../support/some-permissions.ts';

const PAYMENTS = 'config/payments/timeouts';
const CHECKOUT = 'config/checkout/timeouts';
const SCHEMA = 'schema/timeouts';
const TRADING = 'switch/trading';

interface Edit {
  resource: string;
  body?: unknown;
  version?: string;
  dependsOn?: string[];
}

/** A change of documents: an edit without a body is a removal. */
function judge(
  edits: readonly Edit[],
  {
    state = sampleState(),
    spec = {},
    seen = null,
    known = [],
  }: {
    state?: LogState;
    spec?: Partial<ChangeRequest['spec']>;
    seen?: VectorClock | null;
    known?: unknown[];
  } = {},
) {
  const operations = edits.map(({ resource, body }) =>
    body === undefined ? { remove: resource } : { set: resource, body },
  ) as ChangeRequest['spec']['operations'];
  const request = sampleRequest({ operations, ...spec });
  const bodies = new Map<Digest, unknown>(
    [...known, ...edits.flatMap(({ body }) => body ?? [])].map((one) => [digestOf(one), one]),
  );
  const plan: DocumentPlan = {
    apiVersion: 'resilience-ctl/plan/v1',
    changeId: CHANGE_ID,
    requestDigest: digestOf(request),
    environment: ENVIRONMENT,
    kind: 'documents',
    resources: edits.map((edit) => planned(edit, state)),
    dependsOn: request.spec.dependsOn,
    strategy: 'at-once',
    stages: [],
    rollout: { bakeMs: 0, minimumSamples: 1 },
    blastRadius: [],
    risk: { score: 0, class: 'standard', reasons: [] },
    vector: seen ?? {},
    clock: 1,
    permissions: SOME_PERMISSIONS,
  };
  return judgeDocumentCausality({ changeId: CHANGE_ID, request, plan, state, seen, bodies });
}

function planned(
  { resource, body, version = '1.0.0', dependsOn = [] }: Edit,
  state: LogState,
): PlannedDocument {
  const live = state.live[resource];
  return {
    resource,
    kind: documentKindOf(resource) ?? 'config',
    baseDigest: live?.digest ?? null,
    baseVersion: live?.version ?? null,
    targetDigest: body === undefined ? null : digestOf(body),
    targetVersion: body === undefined ? null : version,
    dependsOn,
    edits: [],
    owners: [],
    direction: 'edit',
  };
}

/** A state with these documents live; a body stands for its digest. */
function liveState(
  live: Record<string, Partial<LiveVersion> & { body?: unknown }>,
  clock: VectorClock = {},
): LogState {
  const versions = Object.entries(live).map(([resource, { body, ...version }]) => [
    resource,
    { version: '1.0.0', ...(body === undefined ? {} : { digest: digestOf(body) }), ...version },
  ]);
  return { ...sampleState(Object.fromEntries(versions)), clock };
}

describe('base', () => {
  const body = { limit: 1 };

  test('what the author asserted and what is live are equal: nothing to say', () => {
    const state = liveState({ [PAYMENTS]: { body }, [TRADING]: { body } });
    const base = { [PAYMENTS]: digestOf(body), [TRADING]: digestOf(body), [CHECKOUT]: null };
    expect(judge([{ resource: PAYMENTS, body: { limit: 2 } }], { state, spec: { base } })).toEqual([]);
  });

  test('every one that is not is printed with both digests', () => {
    const state = liveState({ [PAYMENTS]: { body }, [TRADING]: { digest: null } });
    const base = { [PAYMENTS]: digestOf('old'), [TRADING]: digestOf('old'), [CHECKOUT]: digestOf('old') };
    const violations = judge([{ resource: PAYMENTS, body }], { state, spec: { base } });
    expect(violations.map(({ code, rule, path }) => [code, rule, path])).toEqual(
      [PAYMENTS, TRADING, CHECKOUT].map((one) => ['STALE_BASE', 'base-is-live', `spec.base["${one}"]`]),
    );
    expect(violations[0]?.message).toContain(digestOf('old'));
    expect(violations[0]?.message).toContain(digestOf(body));
    expect(violations[1]?.message).toContain('live is absent');
  });

  test('what must not exist may not', () => {
    const state = liveState({ [PAYMENTS]: { body } });
    expect(
      judge([{ resource: PAYMENTS, body }], { state, spec: { base: { [PAYMENTS]: null } } }),
    ).toMatchObject([
      { rule: 'base-is-live', message: expect.stringContaining('was expected to be absent') },
    ]);
  });
});

describe('concurrent edits', () => {
  const base = { limit: 10, region: 'eu', retries: 1 };
  const theirs = { limit: 20, region: 'eu', retries: 2 };
  const mine = { limit: 15, region: 'us', retries: 2 };
  const moved = { body: theirs, version: '1.1.0', changeId: 'chg-9', index: 40, vector: { prod: 5 } };
  const state = liveState({ [PAYMENTS]: moved }, { prod: 5 });
  const edit = [{ resource: PAYMENTS, body: mine }];

  test('are told by the vector clock, with both sides of a three-way diff', () => {
    const [violation, ...rest] = judge(edit, {
      state,
      seen: { prod: 4 },
      known: [base, theirs],
      spec: { base: { [PAYMENTS]: digestOf(base) } },
    });
    expect(rest).toEqual([]);
    expect(violation).toMatchObject({
      code: 'STALE_BASE',
      rule: 'concurrent-edit',
      path: 'spec.operations[0]',
    });
    expect(violation?.message).toBe(
      `Change chg-9 made ${PAYMENTS} 1.1.0 at entry 40, which the author had not seen. ` +
        'This change: /region "eu" → "us"; /limit 10 → 15. chg-9: /limit 10 → 20. ' +
        'Both alike: /retries 1 → 2. They clash at /limit.',
    );
    expect(violation?.remedy).toContain(digestOf(theirs));
    expect(violation?.remedy).toContain(`\`resilience-ctl draft ${PAYMENTS}\``);
  });

  test('that touch different places say that they do not clash', () => {
    const [violation] = judge([{ resource: PAYMENTS, body: { ...base, region: 'us' } }], {
      state,
      seen: {},
      known: [base, theirs],
      spec: { base: { [PAYMENTS]: digestOf(base) } },
    });
    expect(violation?.message).toContain('They do not clash.');
  });

  test('of what was not there before show what each made', () => {
    const violations = judge(edit, {
      state,
      seen: { prod: 4 },
      known: [theirs],
      spec: { base: { [PAYMENTS]: null } },
    });
    expect(violations).toMatchObject([
      {
        rule: 'concurrent-edit',
        message: expect.stringContaining(
          'This change: the whole document absent → {"limit":15,"region":"us","retries":2}. ' +
            'chg-9: the whole document absent → {"limit":20,"region":"eu","retries":2}. ' +
            'They clash at the whole document.',
        ),
      },
    ]);
  });

  test('of a removal show what is lost by it', () => {
    const [violation] = judge([{ resource: PAYMENTS }], {
      state,
      seen: { prod: 4 },
      known: [base, theirs],
      spec: { base: { [PAYMENTS]: digestOf(base) } },
    });
    expect(violation?.message).toContain('This change: the whole document {"limit":10');
    expect(violation?.message).toContain('→ absent. chg-9: /limit 10 → 20; /retries 1 → 2. They clash at');
  });

  test.each([
    ['is not given', {}],
    ['is unknown', { [PAYMENTS]: digestOf('unknown') }],
  ])('when the base %s, how live and the change differ', (_, asserted) => {
    const [violation] = judge(edit, { state, seen: {}, known: [theirs], spec: { base: asserted } });
    expect(violation?.message).toContain('From live to this change: /limit 20 → 15; /region "eu" → "us".');
  });

  test('without the live body, only who did it', () => {
    const [violation] = judge(edit, { state, seen: {} });
    expect(violation?.message).toMatch(/which the author had not seen\.$/);
  });

  test('long values and long lists are cut', () => {
    const wide = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'v'.repeat(100)]));
    const [violation] = judge([{ resource: PAYMENTS, body: wide }], {
      state: liveState({ [PAYMENTS]: { ...moved, body: {} } }, { prod: 5 }),
      seen: {},
      known: [{}],
    });
    expect(violation?.message).toContain('; 4 more');
    expect(violation?.message.length).toBeLessThan(700);
  });

  test.each<[string, VectorClock]>([
    ['the same commit', { prod: 5 }],
    ['all of it, and more elsewhere', { prod: 5, staging: 9 }],
  ])('are none when the author had seen %s', (_, seen) => {
    expect(judge(edit, { state, seen })).toEqual([]);
  });

  test('by another region are concurrent too', () => {
    const there = { ...moved, vector: { prod: 5, 'prod/eu-west-1': 1 } };
    expect(
      judge(edit, { state: liveState({ [PAYMENTS]: there }, { prod: 5 }), seen: { prod: 5, staging: 1 } }),
    ).toMatchObject([{ rule: 'concurrent-edit' }]);
  });

  test('are no matter on what the change does not touch', () => {
    const spec = { base: { [PAYMENTS]: digestOf(theirs) } };
    expect(judge([{ resource: TRADING, body: mine }], { state, seen: {}, spec })).toEqual([]);
  });

  test('a clock ahead of the log is of another log', () => {
    expect(judge(edit, { state, seen: { prod: 6 } })).toMatchObject([
      { code: 'STALE_BASE', rule: 'clock-not-ahead', message: expect.stringContaining('commit 6') },
    ]);
  });
});

describe('dependencies', () => {
  const body = {};

  test('that the batch itself adds hold, in the state that would exist', () => {
    expect(
      judge([
        { resource: PAYMENTS, body, dependsOn: [`${SCHEMA}@^2`] },
        { resource: SCHEMA, body, version: '2.0.1' },
      ]),
    ).toEqual([]);
  });

  test.each<[string, string, string, Partial<LiveVersion> | null]>([
    ['is not there', `${SCHEMA}@^1`, 'does not exist', null],
    ['was removed', `${SCHEMA}@^1`, 'does not exist', { digest: null }],
    ['is live in another version', `${SCHEMA}@^2.1`, `is not satisfied: ${SCHEMA} is live as 1.0.0`, {}],
    ['is a change nobody knows', 'change/chg-9', 'is not a change of this environment', {}],
  ])('declared on what %s are refused, with what was wanted', (_, wanted, why, live) => {
    const state = liveState(live === null ? {} : { [SCHEMA]: live });
    const violations = judge([{ resource: PAYMENTS, body }], {
      state,
      spec: { dependsOn: [TRADING, wanted] },
    });
    expect(violations).toMatchObject([
      { path: 'spec.dependsOn[0]', rule: 'dependency-exists' },
      { code: 'DEPENDENCY_MISSING', path: 'spec.dependsOn[1]', message: `${wanted} ${why}.` },
    ]);
  });

  test('out of range and not there are different rules, extracted ones point at the operation', () => {
    const state = liveState({ [SCHEMA]: {} });
    expect(
      judge(
        [
          { resource: TRADING, body },
          { resource: PAYMENTS, body, dependsOn: [`${SCHEMA}@^2`, 'schema/gone@*'] },
        ],
        { state },
      ),
    ).toMatchObject([
      { rule: 'dependency-in-range', path: 'spec.operations[1]' },
      {
        rule: 'dependency-exists',
        path: 'spec.operations[1]',
        message: `${PAYMENTS} needs schema/gone@*, which does not exist.`,
      },
    ]);
  });

  test('on what the batch moves are judged by what it becomes', () => {
    const state = liveState({ [SCHEMA]: {} });
    const batch = (schema: Edit) => [{ resource: PAYMENTS, body, dependsOn: [`${SCHEMA}@^1`] }, schema];
    expect(judge(batch({ resource: SCHEMA, body, version: '2.0.0' }), { state })).toMatchObject([
      { rule: 'dependency-in-range', message: expect.stringContaining('would be 2.0.0') },
    ]);
    expect(judge(batch({ resource: SCHEMA }), { state })).toMatchObject([
      { rule: 'dependency-exists', message: expect.stringContaining('is removed by this very request') },
    ]);
  });

  test('that cannot be read say how to write one', () => {
    expect(
      judge([{ resource: PAYMENTS, body }], { spec: { dependsOn: [`${SCHEMA}@newest`] } }),
    ).toMatchObject([{ code: 'SCHEMA_INVALID', rule: 'dependency-readable', path: 'spec.dependsOn[0]' }]);
  });

  test('on records that the log does not know are the zone’s matter', () => {
    const spec = { dependsOn: ['dns/example.com/api/A'] };
    expect(judge([{ resource: PAYMENTS, body }], { spec })).toEqual([]);
  });

  test('on a committed change hold', () => {
    const state = { ...sampleState(), ended: { one: { status: 'committed' as const, index: 1 } } };
    expect(judge([{ resource: PAYMENTS, body }], { state, spec: { dependsOn: ['change/one'] } })).toEqual([]);
  });

  test('of what the batch removes need not hold', () => {
    const state = liveState({ [PAYMENTS]: {} });
    expect(judge([{ resource: PAYMENTS, dependsOn: ['schema/gone'] }], { state })).toEqual([]);
  });
});

describe('what others need', () => {
  const state = liveState({
    [SCHEMA]: {},
    [PAYMENTS]: { dependsOn: [`${SCHEMA}@^1`] },
    [CHECKOUT]: { dependsOn: [SCHEMA, `${SCHEMA}@>=1`, 'schema/lost-before'] },
    'config/gone/x': { digest: null, dependsOn: [SCHEMA] },
  });

  test('is not removed: who needs it is printed, once', () => {
    expect(judge([{ resource: TRADING, body: {} }, { resource: SCHEMA }], { state })).toMatchObject([
      {
        code: 'DEPENDENCY_MISSING',
        rule: 'still-needed',
        path: 'spec.operations[1]',
        message: `${SCHEMA} cannot be removed: ${CHECKOUT}, ${PAYMENTS} depend on it.`,
      },
    ]);
  });

  test('does not leave the range of those that stay', () => {
    expect(judge([{ resource: SCHEMA, body: {}, version: '2.0.0' }], { state })).toMatchObject([
      {
        rule: 'dependents-in-range',
        message: `${SCHEMA} would be 2.0.0: ${PAYMENTS} needs ${SCHEMA}@^1.`,
      },
    ]);
    expect(judge([{ resource: SCHEMA, body: {}, version: '1.1.0' }], { state })).toEqual([]);
  });

  test('may go with those that need it', () => {
    expect(
      judge([{ resource: SCHEMA }, { resource: PAYMENTS }, { resource: CHECKOUT, body: {} }], { state }),
    ).toEqual([]);
  });
});

describe('cycles', () => {
  test('are printed', () => {
    const state = liveState({
      [SCHEMA]: { dependsOn: [TRADING] },
      [TRADING]: { dependsOn: [`${PAYMENTS}@^1`] },
    });
    expect(judge([{ resource: PAYMENTS, body: {}, dependsOn: [`${SCHEMA}@^1`] }], { state })).toMatchObject([
      {
        code: 'CYCLE',
        message: expect.stringContaining(`${PAYMENTS} → ${SCHEMA} → ${TRADING} → ${PAYMENTS}`),
      },
    ]);
  });

  test('within the batch are found, where bodies make them', () => {
    expect(
      judge([
        { resource: PAYMENTS, body: {}, dependsOn: [SCHEMA] },
        { resource: SCHEMA, body: {}, dependsOn: [PAYMENTS] },
      ]),
    ).toMatchObject([{ code: 'CYCLE' }]);
  });

  test('are not made by what the author declared for the whole batch', () => {
    const batch = [
      { resource: PAYMENTS, body: {} },
      { resource: SCHEMA, body: {} },
    ];
    expect(judge(batch, { spec: { dependsOn: [PAYMENTS, `${SCHEMA}@*`] } })).toEqual([]);
    expect(judge(batch.slice(0, 1), { spec: { dependsOn: [PAYMENTS] } })).toMatchObject([{ code: 'CYCLE' }]);
  });

  test('are broken by removing an edge', () => {
    const state = liveState({ [PAYMENTS]: { dependsOn: [SCHEMA] }, [SCHEMA]: { dependsOn: [PAYMENTS] } });
    expect(judge([{ resource: PAYMENTS, body: {} }], { state })).toEqual([]);
  });

  test('of one change with itself too', () => {
    const spec = { dependsOn: [`change/${CHANGE_ID}`] };
    expect(judge([{ resource: PAYMENTS, body: {} }], { spec }).map((one) => one.code)).toEqual([
      'DEPENDENCY_MISSING',
      'CYCLE',
    ]);
  });
});

test('a commit asserts what the new body needs, and what was declared but the batch', () => {
  const document = planned({ resource: PAYMENTS, body: {}, dependsOn: [`${SCHEMA}@^1`] }, sampleState());
  const neighbour = planned({ resource: SCHEMA, body: {} }, sampleState());
  const dependsOn = ['change/one', PAYMENTS, `${SCHEMA}@^1`, `${SCHEMA}@^2`];
  const of = (...resources: PlannedDocument[]) => {
    const [first = document] = resources;
    return dependenciesOf({ dependsOn, resources }, first);
  };
  expect(of(document, neighbour)).toEqual(['change/one', `${SCHEMA}@^1`]);
  expect(of(document)).toEqual(['change/one', PAYMENTS, `${SCHEMA}@^1`, `${SCHEMA}@^2`]);
  expect(of({ ...document, targetDigest: null }, neighbour)).toEqual(['change/one']);
});

test('everything is reported at once', () => {
  const state = liveState(
    {
      [SCHEMA]: { vector: { prod: 2 } },
      [CHECKOUT]: { dependsOn: [`${SCHEMA}@^1`] },
    },
    { prod: 2 },
  );
  const spec = { base: { [TRADING]: digestOf('old') }, dependsOn: [CHECKOUT, 'switch/none'] };
  const edit = { resource: SCHEMA, body: {}, version: '2.0.0', dependsOn: ['schema/none'] };
  expect(judge([edit], { state, seen: {}, spec }).map((one) => one.rule)).toEqual([
    'concurrent-edit',
    'base-is-live',
    'dependency-exists',
    'dependency-exists',
    'dependents-in-range',
    'no-cycle',
  ]);
});
