import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RISK_CLASSES } from '../../domain/change/risk.ts';
import { PERSON_ROLES } from '../../domain/evidence/trust.ts';
import { SWITCH_DIRECTIONS } from '../../domain/kinds/switch.ts';
import { DEFAULT_POLICY } from '../../domain/permissions/default-policy.ts';
import {
  CHANGE_ACTIONS,
  type PermissionQuestion,
  permissionContextSchema,
} from '../../domain/permissions/permission.ts';
import { createCedarEngine } from '../../infra/cedar/cedar-engine.ts';

const engine = createCedarEngine();

const condition = fc.constantFrom(
  ...PERSON_ROLES.map((role) => `principal in Role::"${role}"`),
  ...RISK_CLASSES.map((risk) => `context.risk == Risk::"${risk}"`),
  ...SWITCH_DIRECTIONS.map((direction) => `resource.direction == Direction::"${direction}"`),
  'principal == resource.author',
  'resource.owners.contains(principal)',
  'principal in resource.ownerTeams',
  'context.approvals > 1',
  'resource.name like "dns/*"',
  'context.kinds.contains(Kind::"switch")',
);
const policy = (effect: 'permit' | 'forbid') =>
  fc
    .tuple(fc.constantFrom(...CHANGE_ACTIONS), condition, condition)
    .map(
      ([action, a, b]) =>
        `${effect} (principal, action == Action::"${action}", resource) when { ${a} || ${b} };`,
    );
const named = (policies: readonly string[]) => policies.map((text, i) => `@id("p${i}") ${text}`).join('\n');

const question = fc
  .record({
    subject: fc.constantFrom('ada', 'bob'),
    roles: fc.subarray([...PERSON_ROLES]),
    teams: fc.subarray(['payments', 'reliability']),
    action: fc.constantFrom(...CHANGE_ACTIONS),
    resource: fc.constantFrom('dns/example.com/api/A', 'switch/trading', 'config/a/b'),
    risk: fc.constantFrom(...RISK_CLASSES),
    author: fc.constantFrom('ada', 'bob'),
    owners: fc.subarray(['ada', 'payments']),
    direction: fc.constantFrom(...SWITCH_DIRECTIONS),
    approvals: fc.integer({ min: 0, max: 3 }),
  })
  .map(
    ({ subject, roles, teams, action, resource, ...context }): PermissionQuestion => ({
      principal: { subject, roles, teams },
      action,
      resource,
      context: permissionContextSchema.parse(context),
    }),
  );
const policies = fc.array(fc.oneof(policy('permit'), policy('forbid')), { minLength: 1, maxLength: 5 });

test('adding a forbid never allows more', () => {
  let allowedBefore = 0;
  fc.assert(
    fc.property(policies, policy('forbid'), question, (before, more, asked) => {
      const allowed = engine.decide(named(before), asked).allowed;
      if (allowed) allowedBefore += 1;
      const after = engine.decide(named([...before, more]), asked);
      expect(after.allowed && !allowed).toBe(false);
    }),
    { numRuns: 100 },
  );
  expect(allowedBefore, 'questions that were allowed at all').toBeGreaterThan(2);
}, 60_000);

test('what decides is named: a permit of everything allowed, a forbid or nothing of everything denied', () => {
  fc.assert(
    fc.property(policies, question, (texts, asked) => {
      const { allowed, policies: deciding } = engine.decide(named(texts), asked);
      const effects = new Set(deciding.map((id) => texts[Number(id.slice(1))]?.split(' ', 1)[0]));
      if (allowed) expect([...effects]).toEqual(['permit']);
      else expect([...effects]).toEqual(deciding.length === 0 ? [] : ['forbid']);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('whoever they are, nobody decides on their own change, and nobody without a role does anything', () => {
  fc.assert(
    fc.property(question, (asked) => {
      const { principal, action, context } = asked;
      const decides = action === 'approve' || action === 'reject';
      const never = (decides && context.author === principal.subject) || principal.roles.length === 0;
      if (never) expect(engine.decide(DEFAULT_POLICY, asked).allowed).toBe(false);
    }),
    { numRuns: 300 },
  );
}, 60_000);
