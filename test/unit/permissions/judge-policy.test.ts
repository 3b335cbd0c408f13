import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parseRequestText } from '../../../client/request-file.ts';
import type { TrustDocument } from '../../../domain/evidence/trust.ts';
import { type PolicyBody, policyBodySchema } from '../../../domain/kinds/policy.ts';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import { judgePolicy } from '../../../domain/permissions/judge-policy.ts';
import { createCedarEngine } from '../../../infra/cedar/cedar-engine.ts';
import { sampleTrust } from '../../support/sample-change.ts';

const engine = createCedarEngine();
const SUBMITS = {
  name: 'an author submits',
  principal: { subject: 'ada', roles: ['author'], teams: [] },
  action: 'submit',
  resource: 'dns/example.com/api/A',
  expect: 'allow',
};

function bodyWith(cedar: string, tests: object[] = [SUBMITS]): PolicyBody {
  return policyBodySchema.parse({ cedar, tests });
}

function rulesOf(cedar: string, tests?: object[], trust: TrustDocument = sampleTrust()): string[] {
  const found = judgePolicy(bodyWith(cedar, tests), trust, engine, 'spec.operations[0].body');
  return [...new Set(found.map(({ rule, path }) => `${rule} ${path}`))];
}

/** The rule against deciding on one's own change, with a way around it. */
function ownUnless(condition: string): string {
  const at = DEFAULT_POLICY.lastIndexOf('resource.author');
  return `${DEFAULT_POLICY.slice(0, at)}resource.author && ${condition}${DEFAULT_POLICY.slice(at + 'resource.author'.length)}`;
}

const AT = 'spec.operations[0].body';

// Hundreds of decisions each.
describe('judgePolicy', { timeout: 30_000 }, () => {
  it('accepts the policy that an environment starts with, and that of the examples', () => {
    expect(rulesOf(DEFAULT_POLICY)).toEqual([]);
    const file = 'examples/documents/8-permissions.yaml';
    const { request } = parseRequestText(readFileSync(file, 'utf8'), file);
    const [operation] = request.spec.operations;
    if (!operation || !('body' in operation)) throw new Error('the example sets no policy');
    expect(judgePolicy(policyBodySchema.parse(operation.body), sampleTrust(), engine, AT)).toEqual([]);
  });

  it('names every problem of a text that cannot be used', () => {
    const cedar =
      '@id("a") permit (principal in Role::"x", action, resource);\npermit (principal, action, resource);';
    expect(
      judgePolicy(bodyWith(cedar), sampleTrust(), engine, AT).map(({ code, rule }) => `${code} ${rule}`),
    ).toEqual(['SCHEMA_INVALID policy-valid', 'SCHEMA_INVALID policy-valid']);
  });

  it('holds it to its own tests, each by its place', () => {
    const wrong = { ...SUBMITS, expect: 'deny' };
    const unknown = { ...SUBMITS, action: 'bless' };
    expect(rulesOf(DEFAULT_POLICY, [SUBMITS, wrong, unknown])).toEqual([
      `policy-tests-pass ${AT}.tests[1]`,
      `policy-tests-pass ${AT}.tests[2]`,
    ]);
  });

  test.each<[string, string]>([
    ['grants everything to everybody', '@id("a") permit (principal, action, resource);'],
    ['lets authors approve their own', ownUnless('context.approvals > 2000')],
    ['lets one person approve their own', ownUnless('principal != Person::"bob"')],
    ['lets them when it is urgent', ownUnless('context.risk != Risk::"emergency"')],
    [
      'lets authors approve',
      DEFAULT_POLICY.replace(
        'principal in Role::"approver",\n  action in [Action::"approve"',
        'principal,\n  action in [Action::"approve"',
      ),
    ],
    [
      'lets anybody freeze',
      `${DEFAULT_POLICY}\n@id("b") permit (principal, action == Action::"freeze", resource);`,
    ],
    [
      'lets anybody submit policies',
      `${DEFAULT_POLICY}\n@id("b") permit (principal, action == Action::"submit", resource) when { resource.kind == Kind::"policy" };`,
    ],
  ])('refuses a policy that %s', (_, cedar) => {
    expect(cedar).not.toBe(DEFAULT_POLICY);
    expect(engine.problemsOf(cedar)).toEqual([]);
    expect(rulesOf(cedar)).toEqual([`must-stay-denied ${AT}.cedar`]);
  });

  it('says who would do what by which policy', () => {
    const granting = `${DEFAULT_POLICY}\n@id("gift") permit (principal, action == Action::"freeze", resource);`;
    const [found] = judgePolicy(bodyWith(granting), sampleTrust(), engine, AT);
    expect(found?.message).toContain('(gift) lets nobody-at-all freeze environment/prod');
  });

  it('refuses one that nobody could replace', () => {
    const last = `${DEFAULT_POLICY}\n@id("z") forbid (principal, action == Action::"submit", resource) when { resource.kind == Kind::"policy" };`;
    expect(rulesOf(last)).toEqual([`can-be-replaced ${AT}.cedar`]);
    const people = sampleTrust().people.filter(({ subject }) => subject !== 'cyd');
    expect(rulesOf(DEFAULT_POLICY, undefined, { ...sampleTrust(), people })).toEqual([]);
    const few = people.filter(({ subject }) => subject !== 'bob');
    expect(rulesOf(DEFAULT_POLICY, undefined, { ...sampleTrust(), people: few })).toEqual([
      `can-be-replaced ${AT}.cedar`,
    ]);
  });
});
