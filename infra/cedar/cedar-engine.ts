import { createRequire } from 'node:module';
import { CEDAR_SCHEMA } from '../../domain/permissions/cedar-schema.ts';
import {
  CHANGE_ACTIONS,
  ENVIRONMENT_ACTIONS,
  type PermissionQuestion,
  type PermissionVerdict,
  type PolicyEngine,
} from '../../domain/permissions/permission.ts';

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');
type StatefulCall = Parameters<Cedar['statefulIsAuthorized']>[0];
type DetailedError = NonNullable<
  Extract<ReturnType<Cedar['checkParsePolicySet']>, { type: 'failure' }>['errors'][number]
>;

const SCHEMA = 'resilience-ctl';
/** Parsed policy sets that the library keeps, by name, for as long as the process lives: a name is used again. */
const KEPT_TEXTS = 16;

/** A text, read: under this name the library holds it parsed, unless there are problems. */
interface ReadText {
  name: string;
  problems: string[];
}

/** The library keeps what is parsed for the whole process, so this does too: two engines must not share a name. */
const texts = new Map<string, ReadText>();
let loaded: Cedar | undefined;

/**
 * Cedar (https://docs.cedarpolicy.com), the reference implementation as WebAssembly. A policy is known by its
 * annotation `@id`, so that a denial can say which one decided. Policies are read once and kept parsed.
 */
export function createCedarEngine(): PolicyEngine {
  return {
    problemsOf: (text) => read(text).problems,
    decide(text, question) {
      const { name, problems } = read(text);
      if (problems.length > 0) return denied(`the policy cannot be used: ${problems.join('; ')}`);
      const misfit = misfitOf(question);
      if (misfit !== null) return denied(misfit);
      return verdictOf(library().statefulIsAuthorized({ ...callOf(question), preparsedPolicySetId: name }));
    },
  };
}

/** Loading takes a tenth of a second, which only whoever decides something should wait for. */
function library(): Cedar {
  if (loaded !== undefined) return loaded;
  const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as Cedar;
  const answer = cedar.preparseSchema(SCHEMA, CEDAR_SCHEMA);
  if (answer.type === 'failure') throw new Error(`the Cedar schema: ${inWords(answer.errors)}`);
  loaded = cedar;
  return cedar;
}

function read(text: string): ReadText {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const oldest = texts.size < KEPT_TEXTS ? undefined : texts.entries().next().value;
  if (oldest !== undefined) texts.delete(oldest[0]);
  const name = oldest?.[1].name ?? `policies ${texts.size}`;
  const made = { name, problems: prepare(library(), name, text) };
  texts.set(text, made);
  return made;
}

/** Parses, validates and keeps a text; returns what is wrong with it. */
function prepare(cedar: Cedar, name: string, text: string): string[] {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') return [inWords(parts.errors, text)];
  if (parts.policy_templates.length > 0) return ['templates are not used here: write static policies'];
  if (parts.policies.length === 0) return ['it holds no policy'];
  const policies = parts.policies.map((policy) => ({ policy, id: idOf(cedar, policy) }));
  // The library names policies `policy0`, `policy1`, … in the order of the text, and returns them sorted by that.
  const given = policies.map((_, i) => `policy${i}`).sort();
  const idByGiven = new Map(given.map((one, i) => [one, policies[i]?.id ?? '']));
  const ids = policies.map(({ id }) => id);
  const problems = [
    ...policies
      .filter(({ id }) => id === '')
      .map(({ policy }) => `@id("…") is missing before: ${policy.slice(0, 60)}`),
    ...[...new Set(ids.filter((id, i) => id !== '' && ids.indexOf(id) !== i))].map(
      (id) => `@id("${id}") is there twice`,
    ),
    ...validationProblems(cedar, text, idByGiven),
  ];
  if (problems.length > 0) return problems;
  const kept = Object.fromEntries(policies.map(({ id, policy }) => [id, policy]));
  const answer = cedar.preparsePolicySet(name, { staticPolicies: kept });
  return answer.type === 'failure' ? [inWords(answer.errors)] : [];
}

function idOf(cedar: Cedar, policy: string): string {
  const answer = cedar.policyToJson(policy);
  return answer.type === 'success' ? (answer.json.annotations?.id ?? '') : '';
}

/** Warnings count: a policy that can never apply is believed by somebody and does nothing. */
function validationProblems(cedar: Cedar, text: string, idByGiven: ReadonlyMap<string, string>): string[] {
  const answer = cedar.validate({ schema: CEDAR_SCHEMA, policies: { staticPolicies: text } });
  if (answer.type === 'failure') return [inWords(answer.errors, text)];
  const found = [...answer.validationErrors, ...answer.validationWarnings].map(({ policyId, error }) => {
    const message = inWords([error], text).replaceAll(/for policy `[^`]+`[,:] /g, '');
    return `policy ${idByGiven.get(policyId) || policyId}, ${message}`;
  });
  return [...found, ...answer.otherWarnings.map((warning) => inWords([warning], text))];
}

function inWords(errors: readonly DetailedError[], text?: string): string {
  const found = errors
    .flatMap((error) => [error, ...(error.related ?? [])])
    .map(({ message, help, sourceLocations: [at] = [] }) => {
      const line = text === undefined || at === undefined ? '' : `line ${lineAt(text, at.start)}: `;
      const hint = help ?? at?.label;
      return `${line}${message}${hint ? ` (${hint})` : ''}`;
    });
  return [...new Set(found)].join('; ');
}

/** Cedar counts bytes of UTF-8. */
function lineAt(text: string, start: number): number {
  return Buffer.from(text).subarray(0, start).toString().split('\n').length;
}

/** Why a question means nothing; Cedar itself refuses roles, kinds, classes and directions that do not exist. */
function misfitOf({ action, resource }: PermissionQuestion): string | null {
  if (isEnvironmentAction(action)) {
    return resource.startsWith('environment/') ? null : `${action} is about an environment, not ${resource}`;
  }
  return CHANGE_ACTIONS.some((one) => one === action) ? null : `there is no action ${action}`;
}

function isEnvironmentAction(action: string): boolean {
  return ENVIRONMENT_ACTIONS.some((one) => one === action);
}

/** Who decides on a change that nobody is said to have written asks about somebody else's. */
function decidesOn(action: string): boolean {
  return action === 'approve' || action === 'reject';
}

const entity = (type: string, id: string) => ({ __entity: { type, id } });

function callOf({
  principal,
  action,
  resource,
  context,
}: PermissionQuestion): Omit<StatefulCall, 'preparsedPolicySetId'> {
  const who = { type: 'Person', id: principal.subject };
  const parents = [
    ...principal.roles.map((id) => ({ type: 'Role', id })),
    ...principal.teams.map((id) => ({ type: 'Team', id })),
  ];
  const { subject } = principal;
  const environment = entity('Environment', context.environment);
  const [kind = '', ...rest] = resource.split('/');
  const about = isEnvironmentAction(action)
    ? {
        what: { type: 'Environment', id: rest.join('/') },
        attrs: {},
        context: { environment, scope: context.scope },
      }
    : {
        what: { type: 'Resource', id: resource },
        attrs: {
          name: resource,
          kind: entity('Kind', kind),
          author: entity('Person', context.author ?? (decidesOn(action) ? 'somebody else' : subject)),
          owners: context.owners.map((id) => entity('Person', id)),
          ownerTeams: context.owners.map((id) => entity('Team', id)),
          direction: entity('Direction', context.direction),
        },
        context: {
          environment,
          risk: entity('Risk', context.risk),
          kinds: (context.kinds.length > 0 ? context.kinds : [kind]).map((id) => entity('Kind', id)),
          approvals: context.approvals,
        },
      };
  return {
    principal: who,
    action: { type: 'Action', id: action },
    resource: about.what,
    context: about.context,
    preparsedSchemaName: SCHEMA,
    validateRequest: true,
    entities: [
      { uid: who, attrs: {}, parents },
      { uid: about.what, attrs: about.attrs, parents: [] },
    ],
  };
}

function verdictOf(answer: ReturnType<Cedar['statefulIsAuthorized']>): PermissionVerdict {
  if (answer.type === 'failure') return denied(inWords(answer.errors));
  const { decision, diagnostics } = answer.response;
  const policies = diagnostics.reason.toSorted();
  // Cedar leaves out a policy that fails while it is evaluated: a forbid that fails would forbid nothing.
  const failed = diagnostics.errors.map(({ policyId, error }) => `policy ${policyId}: ${inWords([error])}`);
  if (failed.length > 0) return denied(failed.join('; '));
  const names = policies.join(', ');
  if (decision === 'allow') return { allowed: true, policies, why: `permitted by ${names}` };
  return policies.length === 0
    ? denied('no policy permits it')
    : { allowed: false, policies, why: `forbidden by ${names}` };
}

function denied(why: string): PermissionVerdict {
  return { allowed: false, policies: [], why };
}
