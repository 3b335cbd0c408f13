import { describe, expect, it } from 'vitest';
import type { Risk } from '../../domain/change/risk.ts';
import {
  bystanders,
  liveVersion,
  plannedScene,
  record,
  remove,
  type Scene,
  set,
  zoneOf,
} from '../support/dns-plans.ts';

const api = record('api', 'A', ['192.0.2.1']);
const toV2 = set('api', 'A', ['192.0.2.2']);

function risk(scene: Partial<Scene>): Risk {
  return plannedScene({ zone: zoneOf([api, ...bystanders(20)]), operations: [toV2], ...scene }).risk;
}

describe('assessRisk', () => {
  it('an ordinary edit of one record by weight is standard, even in the smallest zone', () => {
    expect(risk({})).toMatchObject({ score: 10, class: 'standard' });
    expect(risk({ zone: zoneOf([api]) })).toMatchObject({ score: 30, class: 'standard' });
  });

  it('an emergency is what its author declares, whatever the score', () => {
    expect(risk({ emergency: true })).toMatchObject({ score: 10, class: 'emergency' });
  });

  it('the score is the sum of its reasons, at most 100', () => {
    const zone = zoneOf([
      record('@', 'MX', ['10 api.example.com'], { ttlSeconds: 7200 }),
      record('@', 'A', ['192.0.2.1']),
      api,
    ]);
    const worst = risk({ zone, operations: [remove('@', 'MX'), remove('@', 'A'), remove('api', 'A')] });
    expect(worst.class).toBe('critical');
    expect(worst.score).toBe(
      Math.min(
        100,
        worst.reasons.reduce((sum, one) => sum + one.points, 0),
      ),
    );
    expect(risk({}).reasons.reduce((sum, one) => sum + one.points, 0)).toBe(10);
  });

  it.each<[string, Partial<Scene>, string]>([
    ['removal', { operations: [remove('api', 'A')] }, 'removes'],
    ['one-step edit', { operations: [set('api', 'A', ['192.0.2.1'], 10)] }, 'in one step'],
    ['creation', { operations: [set('new', 'A', ['192.0.2.2'])] }, 'creates'],
    ['apex', { operations: [set('@', 'A', ['192.0.2.2'])] }, 'apex'],
    ['mail', { operations: [set('in', 'MX', ['10 api.example.com'])] }, 'steers mail'],
    ['wildcard', { operations: [set('*', 'A', ['192.0.2.2'])] }, 'wildcard'],
    ['share', { zone: zoneOf([api, ...bystanders(2)]) }, 'quarter of the zone'],
    ['smaller share', { zone: zoneOf([api, ...bystanders(5)]) }, 'tenth of the zone'],
    ['drift', { live: { 'dns/example.com/api/A': liveVersion() } }, 'outside this system'],
    ['slow rollback', { operations: [set('api', 'A', ['192.0.2.2'], 3601)] }, 'up to 3601 s'],
    ['several', { operations: [toV2, set('new', 'A', ['192.0.2.2'])] }, 'more than one resource'],
    [
      'declared dependents',
      { live: { 'flag/x': liveVersion({ dependsOn: ['dns/example.com/api/A'] }) } },
      'depend on it',
    ],
    [
      'references',
      { zone: zoneOf([api, record('www', 'CNAME', ['api.example.com']), ...bystanders(20)]) },
      'depend on it',
    ],
  ])('counts: %s', (_, scene, reason) => {
    expect(
      risk(scene)
        .reasons.map((one) => one.reason)
        .join('; '),
    ).toContain(reason);
  });

  it('does not change with an unrelated record', () => {
    expect(risk({ zone: zoneOf([api, ...bystanders(21)]) })).toEqual(risk({}));
  });

  it('two grave facts make a change critical', () => {
    const live = { 'dns/example.com/api/A': liveVersion() };
    expect(risk({ operations: [remove('api', 'A')], live })).toMatchObject({ score: 50, class: 'critical' });
  });
});
