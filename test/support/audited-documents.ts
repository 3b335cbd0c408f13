import { armFor } from '../../domain/canary/consumer-arm.ts';
import type { ConsumerReport } from '../../domain/canary/consumer-report.ts';
import { exposedStage, judgeConsumers, reportsAbout } from '../../domain/canary/judge-consumers.ts';
import { dependenciesOf } from '../../domain/causality/would-be.ts';
import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import type { DocumentPlan, DocumentStage } from '../../domain/change/document-plan.ts';
import { inverseDigestOf } from '../../domain/change/plan.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { describeRequest } from '../../domain/evidence/describe-request.ts';
import type { Move, Predicates } from '../../domain/evidence/statements.ts';
import { permissionsInForce } from '../../domain/permissions/in-force.ts';
import { type LogWriter, trust } from './audited-log.ts';
import { config, PAYMENTS, requestFor, SCHEMA, TIMEOUTS_SCHEMA } from './document-plans.ts';
import { AT, ENVIRONMENT, envelopeOf } from './sample-log.ts';

export const DOCUMENTS = 'chg-documents';
const MINIMUM_SAMPLES = 10;

/** Two documents that go live in two stages. Returns the digests of what their consumers reported of each. */
export async function documentChange(
  writer: LogWriter,
  change: (said: Predicates['stage-verdict']) => Partial<Predicates['stage-verdict']> = () => ({}),
): Promise<Digest[]> {
  const plan = await planned(writer);
  const about = { changeId: DOCUMENTS, planDigest: digestOf(plan) };
  await writer.allow(plan);
  const moves = await movesOf(writer, plan);
  const reports: Digest[] = [];
  for (const stage of plan.stages) {
    const inverseDigest = inverseDigestOf(plan, stage.name);
    if (inverseDigest === undefined) throw new Error(`no stage ${stage.name}`);
    const intent = { ...about, stage: stage.name, zone: null, expectedFence: null, inverseDigest };
    const intentIndex = await writer.say('intent', intent);
    const { name, percent, zones } = stage;
    await writer.say('commit', { ...about, zone: null, moves, rollout: { stage: name, percent, zones } });
    await writer.say('outcome', { ...about, stage: name, intentIndex, fence: null });
    const said = verdict(writer, plan, stage, intentIndex, change);
    reports.push(...(said.reportsDigest ? [said.reportsDigest] : []));
    await writer.say('stage-verdict', said);
  }
  await writer.say('commit', { ...about, zone: null, moves, rollout: null });
  return reports;
}

async function planned(writer: LogWriter): Promise<DocumentPlan> {
  const request = requestFor({
    operations: [
      { set: SCHEMA, body: TIMEOUTS_SCHEMA },
      { set: PAYMENTS, body: config({ readMs: 100 }) },
    ],
    rollout: { strategy: 'consumers', stages: [50, 100], bakeSeconds: 1, minimumSamples: MINIMUM_SAMPLES },
  });
  const requestDigest = writer.put(request);
  for (const body of targetBodies(request).values()) writer.put(body);
  await writer.say('request', {
    ...{ changeId: DOCUMENTS, requestDigest, nonce: DOCUMENTS },
    ...describeRequest(request),
  });
  const { plan, violations } = buildDocumentPlan({
    ...{ changeId: DOCUMENTS, environment: ENVIRONMENT, request, requestDigest },
    ...{ live: writer.fold.state.live, bodies: new Map(), policy: trust.policy },
    permissions: permissionsInForce(writer.fold.state.live, trust),
  });
  if (plan === null || violations.length > 0) throw new Error(JSON.stringify(violations));
  await writer.say('plan', {
    ...{ changeId: DOCUMENTS, requestDigest, planDigest: writer.put(plan), zone: null },
    resources: plan.resources.map(({ resource }) => resource),
    riskClass: plan.risk.class,
    logSize: writer.fold.state.size,
  });
  return plan;
}

function movesOf(writer: LogWriter, plan: DocumentPlan): Promise<Move[]> {
  const schemaDigest = plan.resources.find(({ resource }) => resource === SCHEMA)?.targetDigest ?? null;
  return Promise.all(
    plan.resources.map(async (one) => {
      const version = await envelopeOf('version', {
        ...{ resource: one.resource, environment: ENVIRONMENT, version: one.targetVersion ?? '' },
        ...{ digest: one.targetDigest ?? digestOf(null), parent: one.baseDigest },
        ...{ changeId: DOCUMENTS, vector: plan.vector },
        schemaDigest: one.resource === SCHEMA ? null : schemaDigest,
      });
      return {
        ...{ resource: one.resource, from: one.baseDigest, to: one.targetDigest },
        ...{ version: one.targetVersion, versionDigest: writer.put(version) },
        ...{ clock: plan.clock, vector: plan.vector, dependsOn: dependenciesOf(plan, one) },
      };
    }),
  );
}

/** What every consumer saw in a second of the stage. */
function verdict(
  writer: LogWriter,
  plan: DocumentPlan,
  { name, percent, zones }: DocumentStage,
  intentIndex: number,
  change: (said: Predicates['stage-verdict']) => Partial<Predicates['stage-verdict']>,
): Predicates['stage-verdict'] {
  const exposure = writer.fold.state.changes[DOCUMENTS]?.exposures.find(
    ({ rollout }) => rollout.stage === name,
  );
  if (exposure === undefined) throw new Error(`${name} is not exposed`);
  const digest = plan.resources.find(({ resource }) => resource === PAYMENTS)?.targetDigest ?? null;
  const reports = ['pod-1', 'pod-2', 'pod-3', 'pod-4', 'pod-5'].map((instanceId): ConsumerReport => {
    const arm = armFor({ instanceId, zone: 'a' }, { changeId: DOCUMENTS, percent, zones });
    return {
      ...{ environment: ENVIRONMENT, changeId: DOCUMENTS, instanceId, zone: 'a', resource: PAYMENTS, arm },
      ...{ digest: arm === 'canary' ? digest : null, samples: 10, errors: 0 },
      ...{ latencyP50Ms: 1, latencyP99Ms: 2, from: AT, to: '2026-01-01T00:00:01.000Z' },
    };
  });
  const stage = exposedStage(plan, exposure);
  const said: Predicates['stage-verdict'] = {
    ...{
      changeId: DOCUMENTS,
      environment: ENVIRONMENT,
      planDigest: digestOf(plan),
      stage: name,
      intentIndex,
    },
    ...judgeConsumers(reports, stage),
    reportsDigest: writer.put(reportsAbout(reports, stage)),
    ...{ bakeStartedAt: AT, at: AT },
  };
  return { ...said, ...change(said) };
}
