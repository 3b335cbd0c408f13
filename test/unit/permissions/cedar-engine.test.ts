import { describe, expect, it, test } from 'vitest';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import {
  type PermissionContext,
  type PermissionQuestion,
  permissionContextSchema,
} from '../../../domain/permissions/permission.ts';
import { createCedarEngine } from '../../../infra/cedar/cedar-engine.ts';

const engine = createCedarEngine();
const RECORD = 'dns/example.com/api/A';

function ask(
  roles: string[],
  action: string,
  resource = RECORD,
  context: Partial<PermissionContext> = {},
): PermissionQuestion {
  return {
    principal: { subject: 'ada', roles, teams: ['payments'] },
    action,
    resource,
    context: permissionContextSchema.parse(context),
  };
}

describe('the policy that an environment starts with', () => {
  it('can be used', () => expect(engine.problemsOf(DEFAULT_POLICY)).toEqual([]));

  test.each<[string, PermissionQuestion, string]>([
    ['an author submits', ask(['author'], 'submit'), 'authors-submit'],
    ['an author engages', ask(['author'], 'engage', 'switch/x', { direction: 'engage' }), 'authors-submit'],
    [
      'an author releases when two say yes',
      ask(['author'], 'release', 'switch/x', { approvals: 2 }),
      'authors-submit',
    ],
    ['an approver approves', ask(['approver'], 'approve', RECORD, { author: 'bob' }), 'approvers-decide'],
    ['an approver rejects', ask(['approver'], 'reject', RECORD, { author: 'bob' }), 'approvers-decide'],
    ['an operator freezes', ask(['operator'], 'freeze', 'environment/prod'), 'operators-brake'],
    ['an operator resumes', ask(['operator'], 'resume', 'environment/prod'), 'operators-brake'],
    ['an operator recovers', ask(['operator'], 'recover', 'environment/prod'), 'operators-brake'],
    [
      'an approver breaks glass',
      ask(['approver'], 'override', RECORD, { author: 'bob' }),
      'approvers-break-glass',
    ],
    ['an author goes on with their own', ask(['author'], 'continue'), 'people-steer-a-change'],
    [
      'an approver stops a change',
      ask(['approver'], 'abort', RECORD, { author: 'bob' }),
      'people-steer-a-change',
    ],
    ['anybody with a role reads', ask(['approver'], 'read', 'environment/prod'), 'people-read'],
    ['anybody with a role audits', ask(['operator'], 'audit', 'environment/prod'), 'people-read'],
  ])('%s', (_, question, policy) => {
    expect(engine.decide(DEFAULT_POLICY, question)).toMatchObject({ allowed: true, policies: [policy] });
  });

  const nothing = 'no policy permits it';
  const own = 'forbidden by nobody-decides-on-their-own';
  test.each<[string, PermissionQuestion, string]>([
    ['an author approves their own', ask(['author', 'approver'], 'approve', RECORD, { author: 'ada' }), own],
    ['an author rejects their own', ask(['approver'], 'reject', RECORD, { author: 'ada' }), own],
    [
      'one alone releases',
      ask(['author'], 'release', 'switch/x', { approvals: 1 }),
      'forbidden by two-release',
    ],
    ['an approver submits', ask(['approver'], 'submit'), nothing],
    ['an author approves', ask(['author'], 'approve', RECORD, { author: 'bob' }), nothing],
    ['an author freezes', ask(['author'], 'freeze', 'environment/prod'), nothing],
    ['an operator breaks glass', ask(['operator'], 'override', RECORD, { author: 'bob' }), nothing],
    ['somebody without a role reads', ask([], 'read', 'environment/prod'), nothing],
    ['somebody without a role aborts', ask([], 'abort'), nothing],
  ])('not: %s', (_, question, why) => {
    expect(engine.decide(DEFAULT_POLICY, question)).toMatchObject({ allowed: false, why });
  });
});

describe('fail-safe', () => {
  const everything = '@id("all") permit (principal, action, resource);';

  test.each<[string, string, PermissionQuestion, string]>([
    ['no policy', '', ask(['author'], 'submit'), 'it holds no policy'],
    ['an unreadable policy', 'permit (principal', ask(['author'], 'submit'), 'the policy cannot be used'],
    ['an unknown action', everything, ask(['author'], 'bless'), 'there is no action bless'],
    ['an unknown role', everything, ask(['boss'], 'submit'), 'Role::"boss"'],
    ['an unknown role beside a known one', everything, ask(['author', 'boss'], 'submit'), 'Role::"boss"'],
    ['an unknown kind', everything, ask(['author'], 'submit', 'planet/mars'), 'Kind::"planet"'],
    ['an unknown kind beside', everything, ask(['author'], 'submit', RECORD, { kinds: ['x'] }), 'Kind::"x"'],
    ['a freeze of a record', everything, ask(['operator'], 'freeze'), 'is about an environment'],
  ])('%s is refused, and said', (_, cedar, question, why) => {
    const verdict = engine.decide(cedar, question);
    expect(verdict).toMatchObject({ allowed: false, policies: [] });
    expect(verdict.why).toContain(why);
  });

  it('denies where a policy fails: a forbid that fails would forbid nothing', () => {
    const overflow = 'context.approvals * 9223372036854775807 > 0';
    const failing = `${everything}\n@id("never") forbid (principal, action == Action::"submit", resource) when { ${overflow} };`;
    expect(engine.problemsOf(failing)).toEqual([]);
    const verdict = engine.decide(failing, ask(['author'], 'submit', RECORD, { approvals: 2 }));
    expect(verdict).toMatchObject({ allowed: false, why: expect.stringContaining('policy never') });
  });
});

describe('validation', () => {
  const forbid = (rest: string) =>
    `@id("a") forbid (principal, action == Action::"submit", resource) ${rest};`;

  test.each<[string, string, string]>([
    ['a misspelt role', '@id("a") permit (principal in Role::"auther", action, resource);', 'Role::"auther"'],
    [
      'a misspelt action',
      '@id("a") permit (principal, action == Action::"aprove", resource);',
      'did you mean `Action::"approve"`',
    ],
    ['a misspelt class', forbid('when { context.risk == Risk::"critcal" }'), 'Risk::"critcal"'],
    ['an attribute that is not there', forbid('when { resource.nme == "x" }'), 'did you mean `name`'],
    ['a comparison of other types', forbid('when { context.approvals == "2" }'), 'policy a, line 1'],
    ['one that never applies', forbid('when { resource.name == "x" && false }'), 'policy is impossible'],
    ['a policy without a name', 'permit (principal, action, resource);', '@id("…") is missing'],
    ['two of one name', `${forbid('')}\n${forbid('')}`, '@id("a") is there twice'],
    ['a template', '@id("a") permit (principal == ?principal, action, resource);', 'templates'],
    ['a syntax error', '@id("a")\npermit (principal action, resource);', 'line 2'],
  ])('finds %s', (_, cedar, problem) => {
    expect(engine.problemsOf(cedar).join('\n')).toContain(problem);
  });

  it('names every problem, with the policy and the line where it is, also behind other letters', () => {
    const policies = Array.from(
      { length: 12 },
      (_, i) => `@id("p${i}") permit (principal, action == Action::"submit", resource);`,
    );
    const cedar = `// ürgent\n${policies.join('\n')}\n${forbid('when { resource.x }')}\n`;
    const two = cedar.replace('"p10") permit (principal,', '"p10") permit (principal in Role::"x",');
    expect(engine.problemsOf(two)).toEqual([
      expect.stringMatching(/^policy p10, line 12: .*Role::"x"/),
      expect.stringMatching(/^policy a, line 14: /),
    ]);
  });

  it('keeps telling texts apart when there are more than it keeps', () => {
    const allow = (i: number) => `@id("p${i}") permit (principal, action == Action::"submit", resource);`;
    for (let i = 0; i < 40; i += 1) {
      expect(engine.decide(allow(i), ask(['author'], 'submit')).policies).toEqual([`p${i}`]);
    }
    expect(engine.decide(allow(0), ask(['author'], 'submit')).policies).toEqual(['p0']);
  });

  it('keeps two engines of one process apart', () => {
    const other = createCedarEngine();
    const policy = (effect: string) =>
      `@id("two") ${effect} (principal, action == Action::"submit", resource);`;
    const asked = ask(['author'], 'submit');
    expect(engine.decide(policy('permit'), asked).allowed).toBe(true);
    expect(other.decide(policy('forbid'), asked).allowed).toBe(false);
    expect(engine.decide(policy('permit'), asked).allowed).toBe(true);
  });
});

describe('what policies may speak of', () => {
  const only = (when: string) =>
    `@id("a") permit (principal, action, resource is Resource) when { ${when} };`;

  test.each<[string, Partial<PermissionContext>, string]>([
    ['principal in resource.ownerTeams', { owners: ['payments'] }, RECORD],
    ['resource.owners.contains(principal)', { owners: ['ada'] }, RECORD],
    ['context.environment == Environment::"staging"', { environment: 'staging' }, RECORD],
    ['context.kinds.contains(Kind::"switch")', { kinds: ['config', 'switch'] }, 'config/a/b'],
    ['resource.kind == Kind::"switch"', {}, 'switch/x'],
    ['resource.name like "dns/*/api/*"', {}, RECORD],
    ['resource.direction == Direction::"release"', { direction: 'release' }, 'switch/x'],
    ['context.risk == Risk::"critical"', { risk: 'critical' }, RECORD],
    ['context.approvals >= 2', { approvals: 2 }, RECORD],
  ])('%s', (when, context, resource) => {
    expect(engine.problemsOf(only(when))).toEqual([]);
    expect(engine.decide(only(when), ask(['author'], 'submit', resource, context)).allowed).toBe(true);
    expect(engine.decide(only(when), ask(['author'], 'submit', 'schema/other')).allowed).toBe(false);
  });

  it('the scope of a freeze', () => {
    const cedar =
      '@id("a") permit (principal, action == Action::"freeze", resource) when { context.scope like "az/*" };';
    const freeze = (scope: string) =>
      engine.decide(cedar, ask(['operator'], 'freeze', 'environment/prod', { scope }));
    expect([freeze('az/us-east-1a').allowed, freeze('').allowed]).toEqual([true, false]);
  });
});
