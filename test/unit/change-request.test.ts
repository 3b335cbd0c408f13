import { describe, expect, it } from 'vitest';
import { parseChangeRequest } from '../../domain/change/request.ts';
import { DomainError, type Violation, violationsOf } from '../../domain/errors.ts';

const OPERATION = { set: 'dns/example.com/api/A', body: { ttl: 60, values: ['192.0.2.1'] } };

function request(operations: unknown[] = [OPERATION], rollout: object = {}, rest: object = {}): object {
  return {
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: 'prod', reason: 'move to version 2' },
    spec: { operations, rollout },
    ...rest,
  };
}

function violations(value: unknown): readonly Violation[] {
  try {
    parseChangeRequest(value);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'SCHEMA_INVALID') return violationsOf(error);
    throw error;
  }
  return [];
}

function found(value: unknown): [string, string | undefined][] {
  return violations(value).map((one) => [one.rule, one.path]);
}

describe('parseChangeRequest', () => {
  it('fills in defaults, and parsing again changes nothing', () => {
    const txt = request([{ set: 'dns/example.com/api/TXT', body: { ttl: 60, values: ['x'] } }]);
    const parsed = parseChangeRequest(txt);
    expect(parsed.spec.rollout).toEqual({ stages: [1, 10, 50, 100], bakeSeconds: 60, minimumSamples: 30 });
    expect(parseChangeRequest(parsed)).toEqual(parsed);
  });

  it('names every fault at its path', () => {
    const faulty = request(
      [
        { set: 'api', body: { ttl: 'long', values: ['192.0.2.1'], tll: 1 } },
        { remove: 'dns/example.com/x/A', body: {} },
      ],
      { bakeSeconds: -1 },
      { kind: 'Change', extra: true },
    );
    expect(found(faulty).sort()).toEqual([
      ['invalid-format', 'spec.operations[0].set'],
      ['invalid-type', 'spec.operations[0].body.ttl'],
      ['invalid-value', 'kind'],
      ['too-small', 'spec.rollout.bakeSeconds'],
      ['unknown-field', 'extra'],
      ['unknown-field', 'spec.operations[0].body.tll'],
      ['unknown-field', 'spec.operations[1].body'],
    ]);
  });

  it('reports the branch of a union that the author meant', () => {
    const weighted = { ttl: 60, weighted: [{ id: 'a', weight: 'heavy', values: [] }] };
    expect(found(request([{ ...OPERATION, body: weighted }]))).toEqual([
      ['invalid-type', 'spec.operations[0].body.weighted[0].weight'],
      ['too-small', 'spec.operations[0].body.weighted[0].values'],
    ]);
  });

  it('quotes keys that are no words', () => {
    const stale = request(
      [OPERATION],
      {},
      { spec: { operations: [OPERATION], base: { 'dns/a.b/c/A': 'sha1:1' } } },
    );
    expect(found(stale)).toEqual([['invalid-format', 'spec.base["dns/a.b/c/A"]']]);
  });

  it.each([null, 'text', 7, []])('refuses %j', (value) => expect(found(value)).toHaveLength(1));

  it('takes one operation a resource', () => {
    expect(found(request([OPERATION, { remove: 'dns/example.com/api/A' }]))).toEqual([
      ['one-operation-a-resource', 'spec.operations[1]'],
    ]);
  });

  it.each([[[10, 5, 100]], [[10, 10, 100]], [[10, 50]]])('refuses the stages %j', (stages) => {
    expect(found(request([OPERATION], { stages }))).toEqual([
      ['stages-ascend-to-100', 'spec.rollout.stages'],
    ]);
  });

  it('takes a stage list only where something can have stages', () => {
    const txt = { set: 'dns/example.com/api/TXT', body: { ttl: 60, values: ['x'] } };
    const stages = [5, 100];
    expect(found(request([txt], { stages }))).toEqual([['stages-need-weights', 'spec.rollout.stages']]);
    expect(found(request([{ remove: 'dns/example.com/x/A' }], { stages }))).toHaveLength(1);
    expect(found(request([txt, OPERATION], { stages }))).toEqual([]);
    expect(found(request([txt], { stages: [100] }))).toEqual([]);
  });

  it('gives each violation a remedy', () => {
    for (const violation of violations({ spec: { rollout: { probe: { port: 0, scheme: 'ftp' } } } })) {
      expect(violation.remedy).toMatch(/\w+.*\.$/);
    }
  });
});

describe('operations on documents', () => {
  const config = {
    set: 'config/payments/timeouts',
    body: { schema: 'schema/timeouts@^1', value: { readMs: 1 } },
  };
  const schema = { set: 'schema/timeouts', body: { type: 'object' }, version: '2.0.0' };
  const flip = {
    set: 'switch/trading',
    body: {
      type: 'kill-switch',
      engaged: true,
      owner: 'x',
      expiresAt: '2026-06-01T00:00:00Z',
      safeState: 'engaged',
    },
  };
  const value = (content: unknown) => ({ ...config, body: { ...config.body, value: content } });
  const flipWith = (rest: object) => ({ ...flip, body: { ...flip.body, ...rest } });

  it('are taken of every kind, in one batch, with defaults', () => {
    const parsed = parseChangeRequest(request([config, schema, flip, { remove: 'config/_global/timeouts' }]));
    expect(parsed.spec.operations[2]).toMatchObject({
      body: { scope: { services: [], zones: [], tenants: [] } },
    });
    expect(parseChangeRequest(parsed)).toEqual(parsed);
  });

  it.each<[string, object, string[]]>([
    ['no scope', { ...config, set: 'config/timeouts' }, ['invalid-format set']],
    [
      'no range',
      { ...config, body: { ...config.body, schema: 'schema/timeouts' } },
      ['invalid-format body.schema'],
    ],
    [
      'a bad range',
      { ...config, body: { ...config.body, schema: 'schema/timeouts@one' } },
      ['custom body.schema'],
    ],
    ['a list', value([1]), ['invalid-type body.value']],
    ['no number', value({ a: [Number.NaN] }), ['custom body.value.a[0]']],
    ['an unsafe key', value({ a: JSON.parse('{"__proto__": 1}') }), ['custom body.value.a.__proto__']],
    ['a bottomless value', value(deep(65)), [`custom body.value${'.d'.repeat(64)}`]],
    ['a version that is none', { ...schema, version: '2.0' }, ['invalid-format version']],
    ['a field too many', flipWith({ extra: 1 }), ['unknown-field body.extra']],
    ['a schema that is a list', { ...schema, body: [] }, ['invalid-type body']],
    ['a switch that never expires', flipWith({ expiresAt: undefined }), ['invalid-type body.expiresAt']],
    ['a day for a time', flipWith({ expiresAt: '2026-06-01' }), ['invalid-format body.expiresAt']],
    ['nobody for an owner', flipWith({ owner: ' ' }), ['too-small body.owner']],
    ['a throttle without limit', flipWith({ type: 'throttle' }), ['custom body.limit']],
    ['a limit of a kill switch', flipWith({ limit: 1 }), ['custom body.limit']],
    [
      'several faults',
      { set: 'config/a/b', body: { schema: 7, value: 7, more: 7 }, version: 7 },
      [
        'invalid-type body.schema',
        'invalid-type body.value',
        'invalid-type version',
        'unknown-field body.more',
      ],
    ],
  ])('are refused with their places: %s', (_, operation, expected) => {
    const places = found(request([operation])).map(
      ([rule, path]) => `${rule} ${path?.slice('spec.operations[0].'.length)}`,
    );
    expect(places.sort()).toEqual(expected);
  });

  it('hold no secret, and nobody repeats it', () => {
    const secret = `${'AKIA'}IOSFODNN7EXAMPLE`;
    const leaky = request([
      value({ db: { password: 'q8Zr5tLw2X' }, list: [secret] }),
      { ...schema, body: { default: secret } },
      flipWith({ reason: secret }),
    ]);
    expect(found(leaky)).toEqual([
      ['secret-by-reference', 'spec.operations[0].body.value.db.password'],
      ['secret-by-reference', 'spec.operations[0].body.value.list[0]'],
      ['secret-by-reference', 'spec.operations[1].body.default'],
      ['secret-by-reference', 'spec.operations[2].body.reason'],
    ]);
    expect(JSON.stringify(violations(leaky))).not.toMatch(/IOSFODNN7|q8Zr5tLw2X/);
  });

  it('are no batch with records', () => {
    expect(found(request([config, OPERATION]))).toEqual([['one-target', 'spec.operations[1]']]);
    expect(found(request([OPERATION, flip]))).toEqual([['one-target', 'spec.operations[1]']]);
  });

  it('have stages, a strategy and zones', () => {
    expect(found(request([config], { stages: [5, 100] }))).toEqual([]);
    expect(found(request([config], { strategy: 'zones', zones: ['a', 'b'] }))).toEqual([]);
    expect(found(request([flip], { stages: [5, 100] }))).toEqual([
      ['stages-need-weights', 'spec.rollout.stages'],
    ]);
    expect(found(request([config], { strategy: 'zones' }))).toEqual([
      ['zones-are-listed', 'spec.rollout.strategy'],
    ]);
    expect(found(request([config], { zones: ['a', 'a'] }))).toEqual([['zones-unique', 'spec.rollout.zones']]);
    expect(found(request([OPERATION], { strategy: 'at-once' }))).toEqual([
      ['strategy-needs-documents', 'spec.rollout.strategy'],
    ]);
    expect(found(request([OPERATION], { consumers: 'none' }))).toEqual([
      ['strategy-needs-documents', 'spec.rollout.consumers'],
    ]);
  });
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { d: deep(levels - 1) };
}
