import { judgeCanary } from '../../domain/canary/judge-canary.ts';
import type { DnsPlan, Stage } from '../../domain/change/plan.ts';
import type { Probe } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import type { ArmCounts } from '../../domain/evidence/statements.ts';
import { groupIn, parseDnsResource } from '../../domain/kinds/dns.ts';
import type { RecordSet } from '../../domain/kinds/dns-records.ts';
import { armOf } from '../../domain/kinds/dns-weights.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import type { ProbeSample } from '../ports/prober.ts';
import type { AnalysisPorts } from '../role-ports.ts';
import type { Watched } from '../watched.ts';

const LONGEST_ROUND_MS = 1_000;
/** A short bake asks as many samples in less time; more at once would measure the load that we make. */
const ROUNDS_AT_ONCE = 5;

/**
 * Watches one stage of a zone for its bake. Each round asks one target of either arm directly and one through
 * weighted resolution of what is live; rounds that are due are asked together. A clear failure ends the watch early;
 * a pass never does.
 */
export async function probeArms(
  ports: AnalysisPorts & PacedWait,
  plan: DnsPlan,
  stage: Stage,
): Promise<Watched> {
  const { bakeMs, minimumSamples, probe } = plan.rollout;
  if (probe === null) {
    throw new DomainError('NOT_FOUND', `Stage ${stage.name} of ${plan.changeId} has nothing to watch.`);
  }
  const watch = new ArmWatch(ports, probe, await liveArms(ports, plan));
  const startedMs = ports.clock.nowMs();
  const rounds = Math.max(minimumSamples, Math.ceil(bakeMs / LONGEST_ROUND_MS));
  const beginsMs = (round: number) => startedMs + (bakeMs * (round - 1)) / rounds;
  const conclude = () => judgeCanary({ ...watch.counts(), minimumSamples, percent: stage.percent });
  let judged = conclude();
  for (let next = 1; next <= rounds; ) {
    const due: Promise<void>[] = [];
    do due.push(watch.round(next++));
    while (next <= rounds && due.length < ROUNDS_AT_ONCE && beginsMs(next) <= ports.clock.nowMs());
    await Promise.all(due);
    judged = conclude();
    if (judged.verdict === 'fail') break;
    await ports.pause(Math.max(0, beginsMs(next) - ports.clock.nowMs()));
  }
  return { ...judged, arms: watch.counts() };
}

type Arm = 'stable' | 'canary';

/** The weighted records of the plan as they are live, not as they are planned: that is what consumers resolve. */
async function liveArms(ports: AnalysisPorts, plan: DnsPlan): Promise<RecordSet[]> {
  const zone = await ports.dns.readZone(plan.zone);
  return plan.resources
    .flatMap((resource) => groupIn(zone, parseDnsResource(resource.resource, [plan.zone])))
    .filter((set) => armOf(set) !== null);
}

/** Counts of both arms, as they come in. */
class ArmWatch {
  readonly #ports: AnalysisPorts;
  readonly #probe: Probe;
  readonly #targets: Record<Arm, string[]>;
  readonly #weighted: { arm: Arm; address: string; share: number }[];
  readonly #direct: Record<Arm, ProbeSample[]> = { stable: [], canary: [] };
  readonly #resolved: Record<Arm, ProbeSample[]> = { stable: [], canary: [] };

  constructor(ports: AnalysisPorts, probe: Probe, sets: readonly RecordSet[]) {
    this.#ports = ports;
    this.#probe = probe;
    this.#targets = { stable: addressesOf(sets, 'stable'), canary: addressesOf(sets, 'canary') };
    this.#weighted = sharesOf(sets);
  }

  async round(round: number): Promise<void> {
    const asked: Promise<void>[] = [];
    for (const arm of ['stable', 'canary'] as const) {
      const targets = this.#targets[arm];
      const address = targets[round % targets.length];
      if (address !== undefined) asked.push(this.#ask(address, this.#direct[arm]));
    }
    const resolved = this.#resolve(round);
    if (resolved) asked.push(this.#ask(resolved.address, this.#resolved[resolved.arm]));
    await Promise.all(asked);
  }

  counts(): { stable: ArmCounts; canary: ArmCounts } {
    return {
      stable: countsOf(this.#direct.stable, this.#resolved.stable),
      canary: countsOf(this.#direct.canary, this.#resolved.canary),
    };
  }

  async #ask(address: string, into: ProbeSample[]): Promise<void> {
    into.push(await this.#ports.prober.probe(this.#probe, address));
  }

  /** What a resolver would answer, spread evenly by the golden ratio instead of at random, so that reruns agree. */
  #resolve(round: number): { arm: Arm; address: string } | undefined {
    let point = (round * GOLDEN_RATIO) % 1;
    return this.#weighted.find(({ share }) => {
      point -= share;
      return point < 0;
    });
  }
}

const GOLDEN_RATIO = 0.618_033_988_749_894_9;

function addressesOf(sets: readonly RecordSet[], arm: Arm): string[] {
  return sets.filter((set) => armOf(set) === arm).flatMap((set) => set.values);
}

function sharesOf(sets: readonly RecordSet[]): { arm: Arm; address: string; share: number }[] {
  const total = sets.reduce((sum, set) => sum + (set.weight ?? 0), 0);
  return sets.flatMap((set) => {
    const arm = armOf(set);
    if (arm === null || total === 0) return [];
    const share = (set.weight ?? 0) / total / set.values.length;
    return set.values.map((address) => ({ arm, address, share }));
  });
}

function countsOf(direct: readonly ProbeSample[], resolved: readonly ProbeSample[]): ArmCounts {
  const latencies = direct.map((sample) => sample.latencyMs).toSorted((a, b) => a - b);
  const quantile = (q: number) => Math.round(latencies[Math.floor(q * (latencies.length - 1))] ?? 0);
  return {
    samples: direct.length,
    errors: direct.filter((sample) => !sample.ok).length,
    resolvedSamples: resolved.length,
    resolvedErrors: resolved.filter((sample) => !sample.ok).length,
    latencyP50Ms: quantile(0.5),
    latencyP99Ms: quantile(0.99),
  };
}
