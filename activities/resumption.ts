import {
  type HeldCanary,
  judgeResumption as judge,
  type ZoneSeen,
} from '../domain/canary/judge-resumption.ts';
import type { Plan } from '../domain/change/plan.ts';
import { DomainError } from '../domain/errors.ts';
import { boundedTexts } from '../domain/evidence/bounded-reasons.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { isWithdrawal } from '../domain/log/entry.ts';
import { covers, nextAz, releasedAzs } from '../domain/log/freeze-scope.ts';
import type { Automation, ChangeRecord, LogState } from '../domain/log/state.ts';
import { probeArms } from './dns/probe-arms.ts';
import { watchConsumers } from './documents/watch-consumers.ts';
import type { PacedWait } from './ports/paced-wait.ts';
import { loadPlan } from './recorded-change.ts';
import type { AnalysisPorts, OrchestratorPorts, VoterPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

/** Where a gradual resumption stands in the log. */
export interface ResumptionStanding {
  state: Automation['state'] | 'over';
  released: string[];
  /** Null when nothing is left to release, or it is no longer for this resumption to release it. */
  next: string | null;
  /** Of the newest verdict. */
  lastReasons: string[];
}

/** How this voter's own zone is, from its own switch. */
export async function observeZone({ zoneSwitch }: VoterPorts): Promise<NonNullable<ZoneSeen['seen']>> {
  return zoneSwitch.read();
}

/**
 * Watches what is live in the scope and signs whether the next availability zone may be released. What the voters saw
 * is handed over and not believed further than it makes the verdict stricter.
 */
export async function judgeResumption(
  ports: AnalysisPorts & PacedWait,
  { freezeIndex, az, zones }: { freezeIndex: number; az: string; zones: ZoneSeen[] },
): Promise<{ envelope: Envelope }> {
  const state = await ports.log.sync({ atLeast: freezeIndex + 1 });
  const automation = resumptionAt(state, freezeIndex);
  const watched = [...(automation ? releasedAzs(automation) : []), az];
  const unseen = watched.filter((one) => !zones.some((zone) => zone.az === one));
  const { verdict, reasons } = judge(
    [...zones, ...unseen.map((one) => ({ az: one, seen: null }))],
    automation ? await heldCanaries(ports, state, automation) : [],
  );
  const envelope = await signDecision(ports, 'resumption', {
    environment: ports.environment,
    freezeIndex,
    az,
    verdict,
    reasons: boundedTexts(reasons),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  return { envelope };
}

async function heldCanaries(
  ports: AnalysisPorts & PacedWait,
  state: LogState,
  { scope, gradual }: Automation,
): Promise<HeldCanary[]> {
  const live = Object.values(state.changes).flatMap((change) => {
    const stage = liveStage(change);
    if (!change.plan || stage === null) return [];
    const { zone, resources, planDigest } = change.plan;
    return covers(scope, { zone, azs: null, resources })
      ? [{ changeId: change.changeId, planDigest, stage }]
      : [];
  });
  const watched = live.map(async ({ changeId, planDigest, stage }) => {
    const plan = await loadPlan(ports.bodies, planDigest);
    const { verdict, reasons } = await watch(ports, plan, stage, gradual?.watchMs ?? 0);
    return { changeId, stage, verdict, reasons };
  });
  return Promise.all(watched);
}

/** As in a bake, but for no longer than the resumption watches: the stage has its own bake still before it. */
async function watch(
  ports: AnalysisPorts & PacedWait,
  plan: Plan,
  name: string,
  watchMs: number,
): Promise<Pick<HeldCanary, 'verdict' | 'reasons'>> {
  const bakeMs = Math.min(plan.rollout.bakeMs, watchMs);
  if (plan.kind === 'dns') {
    const stage = plan.stages.find((one) => one.name === name);
    if (stage?.baked) return probeArms(ports, { ...plan, rollout: { ...plan.rollout, bakeMs } }, stage);
  } else {
    const stage = plan.stages.find((one) => one.name === name);
    if (stage?.baked) return watchConsumers(ports, { ...plan, rollout: { ...plan.rollout, bakeMs } }, stage);
  }
  return { verdict: 'pass', reasons: ['its plan has nothing to watch at this stage'] };
}

/** The stage that a change has live; null when none is, or it went back. */
function liveStage({ outcomes, exposures, plan }: ChangeRecord): string | null {
  if (plan?.zone === null) {
    const exposure = exposures.at(-1);
    return exposure && !isWithdrawal(exposure.rollout) ? exposure.rollout.stage : null;
  }
  const applied = outcomes.findLast(({ result }) => result === 'applied');
  return applied?.direction === 'forward' ? applied.stage : null;
}

/** Where the resumption of entry `freezeIndex` stands. */
export async function resumptionStanding(
  ports: Pick<OrchestratorPorts, 'log'>,
  { freezeIndex }: { freezeIndex: number },
): Promise<ResumptionStanding> {
  return standingIn(await ports.log.sync({ atLeast: freezeIndex + 1 }), freezeIndex);
}

/**
 * Appends a verdict; what it does is for the fold to say. One that does not count, because an operator or another
 * verdict came first, is no error: the standing tells.
 */
export async function recordResumption(
  ports: Pick<OrchestratorPorts, 'log'>,
  { freezeIndex, envelope }: { freezeIndex: number; envelope: Envelope },
): Promise<ResumptionStanding> {
  const [fate] = await ports.log.append([envelope]);
  if (fate === undefined) throw new DomainError('STORE_UNAVAILABLE', 'The log answered without a fate.');
  return standingIn(await ports.log.sync(), freezeIndex);
}

/** Open changes that the freeze of entry `freezeIndex` sends back: those that may have something live in its scope. */
export async function changesSentBack(
  ports: Pick<OrchestratorPorts, 'log'>,
  { freezeIndex }: { freezeIndex: number },
): Promise<string[]> {
  const state = await ports.log.sync({ atLeast: freezeIndex + 1 });
  const freeze = state.automation.find(({ index }) => index === freezeIndex);
  if (!freeze?.rollBack) return [];
  return Object.values(state.changes).flatMap(({ changeId, plan, intents }) =>
    plan && intents.length > 0 && covers(freeze.scope, { ...plan, azs: null }) ? [changeId] : [],
  );
}

function standingIn(state: LogState, freezeIndex: number): ResumptionStanding {
  const automation = resumptionAt(state, freezeIndex);
  if (!automation) return { state: 'over', released: [], next: null, lastReasons: [] };
  return {
    state: automation.state,
    released: releasedAzs(automation),
    next: nextAz(automation) ?? null,
    lastReasons: automation.resumptions.at(-1)?.reasons ?? [],
  };
}

function resumptionAt(state: LogState, freezeIndex: number): Automation | undefined {
  return state.automation.find(({ index, gradual }) => index === freezeIndex && gradual !== undefined);
}
