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
