import { describe, expect, it } from 'vitest';
import { readBody } from '../../../domain/kinds/document-bodies.ts';
import { approvalsFor, directionOf, effectiveSwitch, type SwitchBody } from '../../../domain/kinds/switch.ts';
import { aSwitch } from '../../support/document-plans.ts';

function body(rest: object = {}): SwitchBody {
  return readBody('switch', aSwitch(rest));
}

const off = body();
const on = body({ engaged: true });

describe('directionOf', () => {
  const inZones = (...zones: string[]) => body({ engaged: true, scope: { zones } });
  const limited = (limit: number) => body({ engaged: true, type: 'throttle', limit });
  const expiring = (expiresAt: string) => body({ engaged: true, safeState: 'released', expiresAt });

  it.each<[string, SwitchBody | null, SwitchBody | null, string]>([
    ['off to on', off, on, 'engage'],
    ['new and on', null, on, 'engage'],
    ['on to off', on, off, 'release'],
    ['on and removed', on, null, 'release'],
    ['new and off', null, off, 'edit'],
    ['off and removed', off, null, 'edit'],
    ['another owner', on, body({ engaged: true, owner: 'team-risk' }), 'edit'],
    ['more zones', inZones('a'), inZones('a', 'b'), 'engage'],
    ['all zones', inZones('a'), on, 'engage'],
    ['fewer zones', inZones('a', 'b'), inZones('a'), 'release'],
    ['some zones of all', on, inZones('a'), 'release'],
    ['other zones', inZones('a'), inZones('b'), 'release'],
    ['a lower limit', limited(9), limited(1), 'engage'],
    ['a higher limit', limited(1), limited(9), 'release'],
    ['of another type', on, body({ engaged: true, type: 'circuit-breaker' }), 'release'],
    ['ends sooner', expiring('2026-06-02T00:00:00Z'), expiring('2026-06-01T00:00:00Z'), 'release'],
    ['lasts longer', expiring('2026-06-01T00:00:00Z'), expiring('2026-06-02T00:00:00Z'), 'engage'],
    ['will end by itself', on, expiring('2026-06-01T00:00:00Z'), 'release'],
  ])('%s', (_, before, after, direction) => expect(directionOf(before, after)).toBe(direction));

  it('takes one person to engage and two to release', () => {
    expect([approvalsFor('engage'), approvalsFor('edit'), approvalsFor('release')]).toEqual([1, 1, 2]);
  });
});

describe('effectiveSwitch', () => {
  const endMs = Date.parse('2026-06-01T00:00:00Z');

  it.each([
    [true, 'released', endMs - 1, { engaged: true, expired: false }],
    [true, 'released', endMs, { engaged: false, expired: true }],
    [false, 'engaged', endMs - 1, { engaged: false, expired: false }],
    [false, 'engaged', endMs, { engaged: true, expired: true }],
  ])('engaged %s, safe %s, at %i', (engaged, safeState, nowMs, expected) => {
    expect(effectiveSwitch(body({ engaged, safeState }), nowMs)).toEqual(expected);
  });
});

it('has one form, whatever the order of its scope', () => {
  const scope = { services: ['b', 'a', 'b'], tenants: ['t'] };
  expect(body({ scope }).scope).toEqual({ services: ['a', 'b'], zones: [], tenants: ['t'] });
  expect(readBody('switch', body({ scope }))).toEqual(body({ scope }));
});
