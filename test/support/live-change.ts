import { expect } from 'vitest';
import { loadPlan } from '../../activities/recorded-change.ts';
import type { LogLine } from '../../client/log-line.ts';
import type { Plan } from '../../domain/change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../../domain/change/request.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import type { Predicates, StatementType } from '../../domain/evidence/statements.ts';
import { groupIn, parseDnsResource } from '../../domain/kinds/dns.ts';
import type { LiveEnvironment } from './live-environment.ts';

export interface CanaryRequest {
  /** A record of the zone; the default is `api`. */
  label?: string;
  /** The default is the service that works. */
  to?: string;
  stages?: number[];
  bakeSeconds?: number;
}

/** Moves one record to another service: three stages by default, the last of which only collapses to the plain set. */
export function canaryRequest(env: LiveEnvironment, options: CanaryRequest = {}): ChangeRequest {
  const { label = 'api', to = env.services.canary, stages = [50, 100], bakeSeconds = 0 } = options;
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: env.name, reason: 'Prove what survives a fault' },
    spec: {
      operations: [{ set: `dns/${env.zone}/${label}/A`, body: { ttl: 0, values: [to] } }],
      rollout: {
        stages,
        bakeSeconds,
        minimumSamples: 3,
        probe: { port: env.services.port, host: `${label}.${env.zone}` },
      },
    },
  });
}

/** Alice submits, Bob approves, the workflow ends. */
export async function runChange(
  env: LiveEnvironment,
  changeId: string,
  options: CanaryRequest = {},
): Promise<string> {
  await env.controlPlane.submit(changeId, canaryRequest(env, options), env.person('alice'));
  await env.approve(changeId);
  return (await env.ended(changeId)).status;
}

type Honoured<T extends StatementType> = Predicates[T] & { index: number };

/** The honoured entries of one type of one change. */
export function honoured<T extends StatementType>(history: readonly LogLine[], type: T): Honoured<T>[] {
  return history.flatMap(({ statement, fate, index }) =>
    statement?.type === type && fate === 'honoured'
      ? [{ ...(statement.predicate as Predicates[T]), index }]
      : [],
  );
}

/**
 * G2, G3, G7 and G8 in hindsight: the change ended as expected; each intent has one outcome a direction and each stage
 * landed once, in order; nothing is left reserved; the records are exactly the plan's final or base state.
 */
export async function expectSettled(
  env: LiveEnvironment,
  changeId: string,
  end: 'committed' | 'rolled-back' | 'aborted',
): Promise<{ history: LogLine[]; plan: DnsPlan }> {
  const history = await env.controlPlane.history(changeId);
  const state = await env.log.sync();
  expect(state.ended[changeId]?.status, changeId).toBe(end);
  expect(Object.values(state.reservations)).not.toContain(changeId);

  const intents = honoured(history, 'intent');
  const outcomes = honoured(history, 'outcome');
  const forward = outcomes.filter(({ direction }) => direction === 'forward');
  expect(forward.map(({ intentIndex }) => intentIndex).toSorted(byNumber)).toEqual(
    intents.map(({ index }) => index).filter((index) => forward.some((one) => one.intentIndex === index)),
  );
  for (const { intentIndex, index } of outcomes) expect(intentIndex).toBeLessThan(index);
  const [recorded] = honoured(history, 'plan');
  if (recorded === undefined) throw new Error(`${changeId} has no plan in the log`);
  const plan = await loadPlan(env.bodies, recorded.planDigest);
  if (plan.kind !== 'dns') throw new Error(`${changeId} is not about DNS`);
  const stages = plan.stages.map(({ name }) => name);
  const applied = forward.filter(({ result }) => result === 'applied').map(({ stage }) => stage);

  if (end === 'committed') {
    expect(applied).toEqual(stages);
    expect(forward).toHaveLength(intents.length);
    expect(honoured(history, 'commit')).toHaveLength(1);
    expect(outcomes).toHaveLength(forward.length);
  } else {
    expect(applied).toEqual(stages.slice(0, applied.length));
    const back = outcomes.filter(({ direction }) => direction === 'rollback');
    expect(back.map(({ result }) => result)).toEqual(intents.length > 0 ? ['applied'] : []);
    // Written once: each further rollback would have left a mark of its own.
    for (const { fence } of back) expect(fence).toMatch(/^\d+\.r\d+$/);
    expect(honoured(history, 'end')).toHaveLength(1);
    expect(honoured(history, 'commit')).toHaveLength(0);
  }
  await expectRecords(env, plan, end === 'committed' ? 'after' : 'before');
  return { history, plan };
}

type DnsPlan = Extract<Plan, { kind: 'dns' }>;

/** What is live, read from the zone, is what the plan says. */
export async function expectRecords(
  env: LiveEnvironment,
  plan: DnsPlan,
  when: 'before' | 'after',
): Promise<void> {
  const zone = await env.dns.readZone(env.zone);
  for (const planned of plan.resources) {
    const live = groupIn(zone, parseDnsResource(planned.resource, [env.zone]));
    expect(canonicalText(live), planned.resource).toBe(canonicalText(planned[when]));
  }
}

function byNumber(a: number, b: number): number {
  return a - b;
}
