import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import type { FactorVerifier } from '../../activities/ports/factor-verifier.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Discrepancy } from '../../domain/evidence/audit-entries.ts';
import type { OverridableGuard } from '../../domain/override/guards.ts';
import { standingAgainst } from '../../domain/override/judge-guards.ts';
import { type BreakGlass, signOverride } from '../break-glass.ts';
import type { ControlPlane, Person } from '../control-plane.ts';

/** An environment of its own, whose parts can be stopped for real. */
export interface DrillScene {
  zone: string;
  breakGlass: BreakGlass;
  controlPlane: ControlPlane;
  verifier: FactorVerifier;
  /** With an administrator's rights, to be the late writer. */
  dns: DnsZones;
  person(subject: string): Person;
  /** A fresh code of that person's second factor. */
  code(subject: string): string;
  requestTo(address: string): ChangeRequest;
  stopEngine(): Promise<void>;
  /** Every call to the store fails from now on; records and keys still answer. */
  stopLog(): Promise<void>;
  startLog(): Promise<void>;
  /** What an auditor finds in the whole log. */
  audit(): Promise<readonly Discrepancy[]>;
}

export interface DrillStep {
  what: string;
  tookMs: number;
  held: boolean;
  /** What was seen, or why it did not hold. */
  detail: string;
}

const WITH_LOG: readonly OverridableGuard[] = ['quorum', 'witness', 'canary'];
const WITHOUT_LOG: readonly OverridableGuard[] = [
  ...WITH_LOG,
  'log',
  'freeze',
  'reservation',
  'causality',
  'limits',
];

/**
 * Runs all of break-glass: with the engine stopped and no voter there, then with the log down too, and back again. Every
 * step is told as it ends; one that fails ends the drill, because those after it rest on it.
 */
export async function drillBreakGlass(
  scene: DrillScene,
  clockMs: () => number,
  onStep: (step: DrillStep) => void,
): Promise<DrillStep[]> {
  const steps: DrillStep[] = [];
  const changes: string[] = [];
  const expectedFences: (string | null)[] = [];
  const run: [what: string, work: () => Promise<string>][] = [
    ['the engine is stopped, and no zone has a voter', () => stopEngine(scene)],
    ['one person alone is refused', () => refuseOne(scene)],
    [
      'two people break glass, written ahead in the log',
      () => breakGlass(scene, '127.0.0.2', WITH_LOG, changes),
    ],
    [
      'the log goes down; its guards must be named',
      async () => {
        await scene.stopLog();
        expectedFences.push(await scene.dns.readFence(scene.zone));
        return refuseWithoutLog(scene);
      },
    ],
    [
      'two people break glass, written ahead in the spool',
      () => breakGlass(scene, '127.0.0.3', WITHOUT_LOG, changes),
    ],
    [
      'a writer that was ready before is refused by the fence',
      () => writeLate(scene, expectedFences[0] ?? null),
    ],
    ['the log is back, and the spool is brought to it', () => reconcile(scene)],
    ['both reviews are open; who took part cannot close them', () => refuseReview(scene, changes)],
    ['a third person closes both reviews', () => closeReviews(scene, changes)],
    ['an auditor finds every effect proven and every fence explained', () => audit(scene)],
  ];
  for (const [what, work] of run) {
    const step = await timed(what, work, clockMs);
    steps.push(step);
    onStep(step);
    if (!step.held) break;
  }
  return steps;
}

async function timed(what: string, work: () => Promise<string>, clockMs: () => number): Promise<DrillStep> {
  const startedMs = clockMs();
  const took = () => Math.round(clockMs() - startedMs);
  try {
    const detail = await work();
    return { what, tookMs: took(), held: true, detail };
  } catch (error) {
    const violations = error instanceof DomainError ? (error.details.violations ?? []) : [];
    const why = violations.map(({ rule, message }) => `${rule}: ${message}`).join(' ');
    const detail = error instanceof Error ? `${error.message} ${why}`.trim() : String(error);
    return { what, tookMs: took(), held: false, detail };
  }
}

async function stopEngine({ stopEngine, controlPlane, requestTo, person }: DrillScene): Promise<string> {
  await stopEngine();
  const submission = controlPlane.submit('drill-ordinary', requestTo('127.0.0.2'), person('alice'));
  return refuseWith(submission, 'ENGINE_UNAVAILABLE');
}

async function attempt(
  scene: DrillScene,
  address: string,
  guards: readonly OverridableGuard[],
  approvers: readonly string[] = ['bob', 'carol'],
  code = scene.code,
) {
  const { breakGlass, verifier, person } = scene;
  const request = scene.requestTo(address);
  const changeId = `bg-drill-${address.replaceAll('.', '-')}`;
  const { planDigest, effect } = await breakGlass.plan(changeId, request);
  if (planDigest === null) throw new Error('nothing can be planned');
  const people = approvers.map((subject) => ({ ...person(subject), code: code(subject) }));
  const signed = await signOverride(verifier, people, {
    ...{ changeId, environment: breakGlass.environment, planDigest, effect },
    ...{ guards: [...guards], emptying: [] },
    author: 'bob',
    reason: 'a drill of break-glass',
    nonce: `${changeId}-${guards.length}`,
    nowMs: Date.now(),
  });
  const result = await breakGlass.apply({ request, ...signed });
  return { changeId, result };
}

async function breakGlass(
  scene: DrillScene,
  address: string,
  guards: readonly OverridableGuard[],
  changes: string[],
): Promise<string> {
  const { changeId, result } = await attempt(scene, address, guards);
  if (result.result === 'refused') {
    throw new Error(result.violations.map(({ rule, message }) => `${rule}: ${message}`).join(' '));
  }
  const { recordSets, fence } = await scene.dns.readZone(scene.zone);
  const live = recordSets.find(({ name }) => name === `api.${scene.zone}`)?.values;
  if (live?.join() !== address || fence !== result.fence)
    throw new Error(`live is ${live?.join()}, fence ${fence}`);
  changes.push(changeId);
  return `${changeId} is live, fence ${fence}${result.index === null ? ', in the spool' : ''}`;
}

/** It is not even a statement, so no code is asked for. */
function refuseOne(scene: DrillScene): Promise<string> {
  return refuseWith(
    attempt(scene, '127.0.0.2', WITH_LOG, ['bob'], () => ''),
    'SCHEMA_INVALID',
  );
}

/** Nobody needs to sign to learn what an override would have to name. */
async function refuseWithoutLog({ breakGlass, requestTo }: DrillScene): Promise<string> {
  const planned = await breakGlass.plan('bg-drill-without-log', requestTo('127.0.0.3'));
  const reasons = standingAgainst(planned, { guards: [...WITH_LOG], emptying: [] }).map(({ rule }) => rule);
  if (planned.logAnswers || !reasons.includes('guard-log'))
    throw new Error(`refused for ${reasons.join(', ')}`);
  return `refused: ${reasons.join(', ')}`;
}

async function refuseWith(work: Promise<unknown>, code: DomainError['code']): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DomainError && error.code === code) return `refused: ${code}`;
    throw error;
  }
  throw new Error('it was not refused');
}

async function writeLate({ dns, zone }: DrillScene, expectedFence: string | null): Promise<string> {
  const live = await dns.readFence(zone);
  const answer = await dns.applyBatch({
    zone,
    expectedFence,
    nextFence: '999',
    changes: [],
    comment: 'late',
  });
  const now = await dns.readFence(zone);
  if ('changeRef' in answer || now !== live) throw new Error(`it wrote, and the fence is ${now}`);
  return `it expected ${expectedFence}; ${live} is live and stays`;
}

async function reconcile({ startLog, breakGlass }: DrillScene): Promise<string> {
  await startLog();
  const first = await breakGlass.reconcile();
  const again = await breakGlass.reconcile();
  if (first.entries.length === 0 || again.entries.length > 0) {
    throw new Error(`${first.entries.length} entries, then ${again.entries.length}`);
  }
  return `entries ${first.entries.join(', ')}; again: nothing`;
}

async function refuseReview(
  { controlPlane, person }: DrillScene,
  changes: readonly string[],
): Promise<string> {
  const open = (await controlPlane.list()).filter(({ state }) => state === 'in-review');
  if (open.length !== changes.length) throw new Error(`${open.length} reviews are open`);
  const own = controlPlane.closeReview(changes[0] ?? '', 'my own doing', person('carol'));
  return refuseWith(own, 'NOT_PERMITTED');
}

async function closeReviews(
  { controlPlane, person }: DrillScene,
  changes: readonly string[],
): Promise<string> {
  for (const changeId of changes) {
    await controlPlane.closeReview(changeId, 'seen in a drill', person('alice'));
  }
  const open = (await controlPlane.list()).filter(({ state }) => state === 'in-review');
  if (open.length > 0) throw new Error(`${open.length} reviews are still open`);
  return 'closed by alice';
}

async function audit(scene: DrillScene): Promise<string> {
  const found = await scene.audit();
  if (found.length > 0) throw new Error(found.map(({ rule, message }) => `${rule}: ${message}`).join(' '));
  return 'no discrepancy';
}
