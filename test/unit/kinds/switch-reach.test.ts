import { describe, expect, it } from 'vitest';
import { type SwitchBody, switchBodySchema } from '../../../domain/kinds/switch.ts';
import { stops } from '../../../domain/kinds/switch-reach.ts';

const EXPIRES = '2026-01-01T12:00:00Z';
const BEFORE_MS = Date.parse(EXPIRES) - 1;
const AFTER_MS = Date.parse(EXPIRES);
const who = { service: 'orders', zone: 'us-east-1a' };

function aSwitch(change: object = {}): SwitchBody {
  return switchBodySchema.parse({
    type: 'kill-switch',
    engaged: true,
    owner: 'team-trading',
    expiresAt: EXPIRES,
    safeState: 'released',
    ...change,
  });
}

describe('a switch', () => {
  it.each<[string, SwitchBody, { service: string; zone: string; tenant?: string }, number, boolean]>([
    ['engaged', aSwitch(), who, BEFORE_MS, true],
    ['released', aSwitch({ engaged: false }), who, BEFORE_MS, false],
    ['expired, safe when released', aSwitch(), who, AFTER_MS, false],
    ['expired, safe when engaged', aSwitch({ engaged: false, safeState: 'engaged' }), who, AFTER_MS, true],
    ['for this service', aSwitch({ scope: { services: ['orders', 'x'] } }), who, BEFORE_MS, true],
    ['for another service', aSwitch({ scope: { services: ['x'] } }), who, BEFORE_MS, false],
    ['for another zone', aSwitch({ scope: { zones: ['us-east-1b'] } }), who, BEFORE_MS, false],
    ['for this tenant', aSwitch({ scope: { tenants: ['t'] } }), { ...who, tenant: 't' }, BEFORE_MS, true],
    ['for another tenant', aSwitch({ scope: { tenants: ['t'] } }), { ...who, tenant: 'u' }, BEFORE_MS, false],
    ['for a tenant, asked for none', aSwitch({ scope: { tenants: ['t'] } }), who, BEFORE_MS, true],
    [
      'expired into engaged, for another service',
      aSwitch({ engaged: false, safeState: 'engaged', scope: { services: ['x'] } }),
      who,
      AFTER_MS,
      false,
    ],
  ])('%s', (_, body, reader, nowMs, expected) => {
    expect(stops(body, reader, nowMs)).toBe(expected);
  });
});
