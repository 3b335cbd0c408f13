import type { DocumentPlan } from '../change/document-plan.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { ArmCounts, Rollout, Verdict } from '../evidence/statements.ts';
import { own } from '../log/authority.ts';
import type { ChangeRecord } from '../log/state.ts';
import { type Arm, armFor } from './consumer-arm.ts';
import type { ConsumerReport } from './consumer-report.ts';
import { judgeCanary } from './judge-canary.ts';

/** One stage of a change, as its consumers should have it. */
export interface ConsumerStage extends Rollout {
  changeId: string;
  /** When the stage's exposure was appended (RFC 3339): what was seen before says nothing about it. */
  since: string;
  /** That each arm needs before the verdict can be anything but inconclusive. */
  minimumSamples: number;
  /** The plan says that no service reads these documents yet. */
  nobodyReads?: boolean;
  /** Both versions of every resource of the change; null for none. */
  targets: Readonly<Record<string, { stable: Digest | null; canary: Digest | null }>>;
}

export interface ConsumerVerdict {
  verdict: Verdict;
  reasons: string[];
  arms: { stable: ArmCounts; canary: ArmCounts };
}

/** The stage of a plan as its exposure made it live: before that nobody could have the new versions. */
export function exposedStage(
  { changeId, rollout: { minimumSamples, consumers } }: DocumentPlan,
  exposure: ChangeRecord['exposures'][number],
): ConsumerStage {
  return {
    ...exposure.rollout,
    changeId,
    since: exposure.at,
    minimumSamples,
    nobodyReads: consumers === 'none',
    targets: Object.fromEntries(
      exposure.moves.map(({ resource, from, to }) => [resource, { stable: from, canary: to }]),
    ),
  };
}

/** The reports that `judgeConsumers` looks at; of any others its verdict does not depend. */
export function reportsAbout(reports: readonly ConsumerReport[], stage: ConsumerStage): ConsumerReport[] {
  return reports.filter(
    (report) =>
      report.changeId === stage.changeId &&
      (isDuring(report, stage) || (stage.percent >= 100 && isOfStable(report, stage))),
  );
}

const AS_DECLARED = 'no consumer has reported, as the plan says of documents that no service reads yet';
/** A statement that carries the reasons has a bounded size. */
const MAX_NAMED = 3;

/**
 * What consumers say of a stage, judged as probes are (`judgeCanary`). A report counts if its window lies within the
 * stage and its version is the one that its arm should have; of windows of one instance that overlap, one counts,
 * since a consumer reports the same work for every resource of a batch. Nothing to count is inconclusive.
 *
 * An instance that has a version which it should not have is named, its reports do not count, and a pass becomes
 * inconclusive: production is not in a declared state (DESIGN G3). One that has not moved to the canary yet is
 * counted in no arm.
 *
 * At 100 % nobody is on the stable arm. It is then what its consumers said in earlier stages; where that is too
 * little, an arm of as many samples without an error. Latencies are the median of the reports' p50 and the worst of
 * their p99.
 *
 * Silence is inconclusive, unless the plan says that nobody reads: then it is what was to be expected, and passes. One
 * report is enough to judge the stage like any other. Never throws.
 */
export function judgeConsumers(reports: readonly ConsumerReport[], stage: ConsumerStage): ConsumerVerdict {
  const about = reportsAbout(reports, stage);
  const during = about.filter((report) => isDuring(report, stage));
  const standing = Map.groupBy(during, (report) => standingOf(report, stage));
  const strays = new Map(standing.get('astray')?.map((report) => [report.instanceId, report]));
  const believed = (all: readonly ConsumerReport[] = []) =>
    countsOf(all.filter(({ instanceId }) => !strays.has(instanceId)));

  const canary = believed(standing.get('canary'));
  const stable =
    stage.percent < 100
      ? believed(standing.get('stable'))
      : baselineFor(canary, believed(about.filter((report) => isOfStable(report, stage))), stage);
  if (stage.nobodyReads && during.length === 0) {
    return { verdict: 'pass', reasons: [AS_DECLARED], arms: { stable, canary } };
  }
  const { verdict, reasons } = judgeCanary({ ...stage, stable, canary, samplesAre: 'requests' });
  return {
    verdict: verdict === 'pass' && strays.size > 0 ? 'inconclusive' : verdict,
    reasons: [...named([...strays.values()]), ...reasons, ...lateInWords(standing.get('late'))],
    arms: { stable, canary },
  };
}

/**
 * Where a consumer stood while it had what it reports. `late`: still without the canary that it should have by now,
 * as everybody is for a moment. `astray`: with a version, or on an arm, that this stage gives to nobody like it.
 */
type Standing = Arm | 'late' | 'astray' | 'elsewhere';

function standingOf(report: ConsumerReport, stage: ConsumerStage): Standing {
  const target = own(stage.targets, report.resource);
  if (!target) return 'elsewhere';
  if (report.digest !== target[report.arm]) return 'astray';
  const due = armFor(report, stage);
  if (report.arm === due) return due;
  return due === 'canary' ? 'late' : 'astray';
}

function isDuring({ from }: ConsumerReport, { since }: ConsumerStage): boolean {
  return Date.parse(from) >= Date.parse(since);
}

function isOfStable({ resource, arm, digest }: ConsumerReport, { targets }: ConsumerStage): boolean {
  return arm === 'stable' && own(targets, resource)?.stable === digest;
}

function baselineFor(canary: ArmCounts, earlier: ArmCounts, { minimumSamples }: ConsumerStage): ArmCounts {
  return earlier.samples >= Math.max(1, minimumSamples) ? earlier : { ...canary, errors: 0 };
}

function countsOf(reports: readonly ConsumerReport[]): ArmCounts {
  const counted = [...Map.groupBy(reports, ({ instanceId }) => instanceId).values()].flatMap(withoutOverlaps);
  const sum = (of: (report: ConsumerReport) => number) =>
    counted.reduce((total, report) => total + of(report), 0);
  const latencies = counted.filter(({ samples }) => samples > 0);
  const p50s = latencies.map(({ latencyP50Ms }) => latencyP50Ms).sort((a, b) => a - b);
  return {
    samples: sum(({ samples }) => samples),
    errors: sum(({ errors }) => errors),
    resolvedSamples: 0,
    resolvedErrors: 0,
    latencyP50Ms: p50s[Math.floor(p50s.length / 2)] ?? 0,
    latencyP99Ms: latencies.reduce((worst, { latencyP99Ms }) => Math.max(worst, latencyP99Ms), 0),
  };
}

/** Of one instance: the windows in their order, without those that begin before the one counted last has ended. */
function withoutOverlaps(reports: readonly ConsumerReport[]): ConsumerReport[] {
  let countedToMs = Number.NEGATIVE_INFINITY;
  return reports
    .toSorted((a, b) => Date.parse(a.from) - Date.parse(b.from))
    .filter(({ from, to }) => {
      if (Date.parse(from) < countedToMs) return false;
      countedToMs = Date.parse(to);
      return true;
    });
}

function named(strays: readonly ConsumerReport[]): string[] {
  const more = strays.length - MAX_NAMED;
  return [
    ...strays
      .slice(0, MAX_NAMED)
      .map(
        ({ instanceId, resource, digest, arm }) =>
          `consumer ${instanceId} should not have ${digest ?? 'nothing'} as the ${arm} version of ${resource}`,
      ),
    ...(more > 0 ? [`${more} more consumers have a version that they should not have`] : []),
  ];
}

function lateInWords(reports: readonly ConsumerReport[] = []): string[] {
  const late = new Set(reports.map(({ instanceId }) => instanceId)).size;
  return late === 0 ? [] : [`left out, because they had not moved to the canary yet: ${late} consumers`];
}
