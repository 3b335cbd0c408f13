import { describe, expect, it } from 'vitest';
import {
  aSwitch,
  config,
  type DocumentScene,
  PAYMENTS,
  plannedDocuments,
  SCHEMA,
  TIMEOUTS_SCHEMA,
} from '../support/document-plans.ts';

const secret = (name: string) => ({ readMs: 1, key: { secretRef: name, rotateBy: '2027-01-01' } });
const live = {
  [SCHEMA]: TIMEOUTS_SCHEMA,
  [PAYMENTS]: config({ readMs: 100 }),
  'config/_global/timeouts': config({ readMs: 1 }),
  'config/a/secrets': config(secret('one')),
  'switch/on': aSwitch({ engaged: true }),
  'switch/off': aSwitch(),
};
const edit = { set: PAYMENTS, body: config({ readMs: 200 }) };
const engage = { set: 'switch/off', body: aSwitch({ engaged: true }) };
const release = { set: 'switch/on', body: aSwitch() };

function risk(operations: object[], rest: Partial<DocumentScene> = {}) {
  return plannedDocuments({ live, operations, ...rest }).risk;
}

describe('assessDocumentRisk', () => {
  it('an edit of one config is standard', () => {
    expect(risk([edit])).toEqual({
      score: 10,
      class: 'standard',
      reasons: [{ points: 10, reason: `changes ${PAYMENTS}` }],
    });
  });

  it('engaging is a brake, however many at once; releasing is critical, whatever it comes with', () => {
    const many = Array.from({ length: 30 }, (_, i) => ({ ...engage, set: `switch/s${i}` }));
    expect(risk([engage, ...many])).toMatchObject({ score: 10, class: 'brake' });
    expect(risk([release])).toMatchObject({ class: 'critical' });
    expect(risk([engage, release])).toMatchObject({ class: 'critical' });
    expect(risk([{ remove: 'switch/on' }])).toMatchObject({ class: 'critical' });
    expect(risk([{ remove: 'switch/off' }])).toMatchObject({ class: 'standard' });
  });

  it('a breaking schema is critical, and so is one that goes', () => {
    const body = { ...TIMEOUTS_SCHEMA, required: ['owner'] };
    expect(risk([{ set: SCHEMA, body }])).toMatchObject({ class: 'critical' });
    expect(risk([{ remove: SCHEMA }])).toMatchObject({ class: 'critical' });
    expect(risk([{ set: SCHEMA, body: { ...TIMEOUTS_SCHEMA, required: [] } }])).toMatchObject({
      class: 'standard',
    });
  });

  it('an emergency is what its author declares', () => {
    expect(risk([edit], { emergency: true })).toMatchObject({ score: 10, class: 'emergency' });
  });

  it.each<[string, object[], object, string]>([
    ['removal', [{ remove: PAYMENTS }], {}, 'removes'],
    ['creation', [{ ...edit, set: 'config/new/timeouts' }], {}, 'creates'],
    ['at once', [edit], { strategy: 'at-once' }, 'every consumer at once'],
    ['new fields', [{ ...edit, body: config({ readMs: 1, owner: 'x' }) }], {}, 'no consumer has read'],
    ['secrets', [{ set: 'config/a/secrets', body: config(secret('two')) }], {}, 'other secrets'],
    ['layers', [{ ...edit, set: 'config/_global/timeouts' }], {}, 'under many services'],
    ['dependents', [{ ...edit, set: 'config/_global/timeouts' }], {}, 'live resources depend'],
    ['several', [edit, { ...edit, set: 'config/new/timeouts' }], {}, 'more than one document'],
  ])('counts: %s', (_, operations, rollout, reason) => {
    const { reasons, score } = risk(operations, { rollout });
    expect(reasons.map((one) => one.reason).join('; ')).toContain(reason);
    expect(score).toBe(reasons.reduce((sum, one) => sum + one.points, 0));
  });

  it('is at most 100, and counts what does not change for nothing', () => {
    expect(risk([{ remove: SCHEMA }, release, { remove: PAYMENTS }]).score).toBe(100);
    expect(risk([edit, { set: SCHEMA, body: TIMEOUTS_SCHEMA }])).toEqual(
      expect.objectContaining({
        reasons: expect.arrayContaining([{ points: 10, reason: `changes ${PAYMENTS}` }]),
      }),
    );
  });
});
