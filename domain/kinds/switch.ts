import { z } from 'zod';

/** `switch/<name>`. */
export const SWITCH_RESOURCE = /^switch\/[a-z0-9][a-z0-9._-]*$/;

const scopeList = z.array(z.string().min(1).max(253)).max(1000).default([]);

export const switchBodySchema = z
  .strictObject({
    type: z.enum(['kill-switch', 'throttle', 'circuit-breaker', 'override']),
    engaged: z.boolean(),
    scope: z
      .strictObject({ services: scopeList, zones: scopeList, tenants: scopeList })
      .prefault({})
      .describe('Whom it affects; an empty list is no restriction'),
    owner: z.string().trim().min(1, 'Somebody must own a switch').max(253),
    reason: z.string().max(2000).optional(),
    expiresAt: z.iso.datetime({ offset: true, error: 'A time is written 2026-01-31T12:00:00Z' }),
    safeState: z.enum(['engaged', 'released']).describe('What it falls to when it expires'),
    limit: z.number().min(0).max(1e9).optional().describe('Of a throttle: requests per second'),
  })
  .superRefine(({ type, limit }, context) => {
    if ((type === 'throttle') === (limit !== undefined)) return;
    const message = limit === undefined ? 'A throttle needs a limit' : 'Only a throttle has a limit';
    context.addIssue({ code: 'custom', path: ['limit'], message });
  });

export type SwitchBody = z.infer<typeof switchBodySchema>;

/** The one form in which a switch is hashed: the order of a scope's names, and repeating one, mean nothing. */
export function canonicalSwitch(body: SwitchBody): SwitchBody {
  const inOrder = (names: readonly string[]) => [...new Set(names)].sort();
  const { services, zones, tenants } = body.scope;
  return {
    ...body,
    scope: { services: inOrder(services), zones: inOrder(zones), tenants: inOrder(tenants) },
  };
}

/**
 * Which way a change of a switch goes. `engage` is the safe direction: it only stops more. `release` lets something
 * through again that was stopped, be it only for some, or sooner. `edit` does neither.
 */
export const SWITCH_DIRECTIONS = ['engage', 'release', 'edit'] as const;
export type SwitchDirection = (typeof SWITCH_DIRECTIONS)[number];

/** `before` is null for a switch that is new, `after` for one that goes. What does both ways is a release. */
export function directionOf(before: SwitchBody | null, after: SwitchBody | null): SwitchDirection {
  if (before?.engaged && (!after?.engaged || stopsLess(after, before))) return 'release';
  if (after?.engaged && (!before?.engaged || stopsLess(before, after))) return 'engage';
  return 'edit';
}

/** Whether of two engaged switches `one` lets through what `other` stops. When unsure, it does. */
function stopsLess(one: SwitchBody, other: SwitchBody): boolean {
  const endsSooner =
    one.safeState === 'released' &&
    (other.safeState === 'engaged' || Date.parse(one.expiresAt) < Date.parse(other.expiresAt));
  return (
    one.type !== other.type ||
    (one.limit ?? 0) > (other.limit ?? 0) ||
    endsSooner ||
    !covers(one.scope.services, other.scope.services) ||
    !covers(one.scope.zones, other.scope.zones) ||
    !covers(one.scope.tenants, other.scope.tenants)
  );
}

function covers(names: readonly string[], others: readonly string[]): boolean {
  return names.length === 0 || (others.length > 0 && others.every((one) => names.includes(one)));
}

/** People who must approve a change of a switch besides its author: stopping is quick, letting through takes two. */
export function approvalsFor(direction: SwitchDirection): number {
  return direction === 'release' ? 2 : 1;
}

/** What a switch says at a time: past its expiry, its safe state. `nowMs` since the epoch. */
export function effectiveSwitch(body: SwitchBody, nowMs: number): { engaged: boolean; expired: boolean } {
  const expired = nowMs >= Date.parse(body.expiresAt);
  return { engaged: expired ? body.safeState === 'engaged' : body.engaged, expired };
}
