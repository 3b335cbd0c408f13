import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeDocumentCausality } from '../../domain/causality/judge-document-causality.ts';
import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { judgeDocumentPlan } from '../../domain/invariants/judge-document-plan.ts';
import { liveBodiesJudged } from '../../domain/invariants/live-bodies-judged.ts';
import { emptyLogState } from '../../domain/log/state.ts';
import { NOW_MS, POLICY } from '../support/dns-plans.ts';
import { aSwitch, config, type Documents, liveDocuments, requestFor } from '../support/document-plans.ts';
import { signedTrust } from '../support/sample-log.ts';
import { SOME_PERMISSIONS } from '../support/some-permissions.ts';

/** A plan and all that is held against it are the same, whether every live body was loaded or only those judged. */

const scopes = ['_global', '_environment', '_tenant.acme', '_tenant.zeta', 'payments', 'orders', 'search'];
const documents = ['timeouts', 'limits'];
const configName = fc
  .tuple(fc.constantFrom(...scopes), fc.constantFrom(...documents))
  .map(([scope, document]) => `config/${scope}/${document}`);
const schemaName = fc.constantFrom('schema/timeouts', 'schema/limits', 'schema/other');
const configBody = fc
  .record({
    schema: schemaName,
    range: fc.constantFrom('^1', '^2'),
    value: fc.dictionary(fc.constantFrom('readMs', 'writeMs', 'owner'), fc.integer({ min: -5, max: 5 })),
  })
  .map(({ schema, range, value }) => config(value, `${schema}@${range}`));
const schemaBody = fc
  .record({
    required: fc.subarray(['readMs', 'writeMs']),
    minimum: fc.integer({ min: -3, max: 3 }),
    additionalProperties: fc.boolean(),
  })
  .map(({ required, minimum, additionalProperties }) => ({
    type: 'object',
    properties: { readMs: { type: 'integer', minimum }, writeMs: { type: 'integer' } },
    required,
    additionalProperties,
  }));
const document = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(configName, configBody) },
  { weight: 3, arbitrary: fc.tuple(schemaName, schemaBody) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('switch/trading'), fc.constant(aSwitch())) },
);
const live = fc.array(document, { maxLength: 20 }).map((all): Documents => Object.fromEntries(all));
const operations = fc
  .uniqueArray(
    fc.oneof(
      { weight: 4, arbitrary: document.map(([set, body]) => ({ set, body })) },
      { weight: 1, arbitrary: document.map(([remove]) => ({ remove })) },
    ),
    { minLength: 1, maxLength: 4, selector: (one) => ('set' in one ? one.set : one.remove) },
  )
  .filter((all) => all.length > 0);

function judged(
  facts: ReturnType<typeof liveDocuments>,
  all: object[],
  bodies: ReadonlyMap<Digest, unknown>,
): unknown {
  const request = requestFor({ operations: all });
  const change = { changeId: 'chg-1', environment: 'prod', request, requestDigest: digestOf(request) };
  const { live } = facts;
  const permissions = SOME_PERMISSIONS;
  const { plan, violations } = buildDocumentPlan({ ...change, live, bodies, policy: POLICY, permissions });
  if (plan === null) throw new Error('the scene has no plan');
  const known = new Map([...bodies, ...targetBodies(request)]);
  const state = { ...emptyLogState('prod', signedTrust()), live: facts.live };
  return {
    plan,
    violations,
    causality: judgeDocumentCausality({ ...change, plan, state, seen: {}, bodies: known }),
    invariants: judgeDocumentPlan(plan, {
      bodies: known,
      live: facts.live,
      request,
      policy: POLICY,
      nowMs: NOW_MS,
    }),
  };
}

test('what is judged needs no other live body than those that are said to be judged', () => {
  fc.assert(
    fc.property(live, operations, (documentsLive, all) => {
      const facts = liveDocuments(documentsLive);
      const needed = liveBodiesJudged(requestFor({ operations: all }), facts.live);
      const some = new Map([...facts.bodies].filter(([digest]) => needed.has(digest)));
      expect(judged(facts, all, some)).toEqual(judged(facts, all, facts.bodies));
    }),
    { numRuns: 500 },
  );
});
