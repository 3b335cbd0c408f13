import { groupDigest, groupIn, parseDnsResource } from '../kinds/dns.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import { isWithdrawal } from '../log/entry.ts';
import type { ChangeRecord, LogState } from '../log/state.ts';
import { whyUnexplained } from './explain-fence.ts';

/**
 * What the engine says of the run that has a change's id. `foreign`: something runs under that id, but not this
 * product's workflow on the orchestrator's queue. `unknown`: nothing has that id (any more).
 */
export type RunState =
  | 'running'
  | 'completed'
  | 'failed'
  | 'terminated'
  | 'timed-out'
  | 'cancelled'
  | 'foreign'
  | 'unknown';

/**
 * One zone as it is. Null when it could not be read, or did not stand still for long enough: `why` says which. A
 * reading is of an instant before the log was read to its end, and the fence was still the same after that.
 */
export type ZoneReading = { zone: string } & ({ state: ZoneState } | { state: null; why: string });

export interface Surveyed {
  /** At the log's head, read after the runs. */
  state: LogState;
  /** By change id: every change that was open before the runs were asked for. */
  runs: Record<string, RunState>;
  zones: readonly ZoneReading[];
  nowMs: number;
}

/**
 * What is to be done about a finding: `restart` the change from the log, which takes back what an earlier run of it
 * may have written; `settle` the outcomes that the zone's fence proves; or nothing but to tell a person (`hold`).
 */
export type ReconcileAction = 'restart' | 'settle' | 'hold';

export interface Finding {
  rule:
    | 'lost-run'
    | 'foreign-run'
    | 'missing-outcome'
    | 'unexplained-fence'
    | 'changed-out-of-band'
    | 'unread-zone';
  /** The change, resource or zone that it is about. */
  subject: string;
  /** Where its outcome is to be settled. */
  zone?: string;
  message: string;
  action: ReconcileAction;
  /** For a person: what to do when the action does not help, or where there is none. */
  remedy: string;
}

/** An author's client starts a change right after its entry, and an outcome follows its effect. */
const GRACE_MS = 60_000;

/**
 * Everything in an environment that its record and its engine do not explain: runs that were terminated, reset away or
 * that never started, intents without an outcome, fences that no entry explains, records that somebody else edited.
 * What is under way is no finding. All findings at once: changes first, in the log's order, then zones.
 */
export function judgeEnvironment(surveyed: Surveyed): Finding[] {
  const changes = Object.values(surveyed.state.changes).toSorted((a, b) => a.request.index - b.request.index);
  return [
    ...changes.flatMap((change) => judgeRun(change, surveyed)),
    ...surveyed.zones.flatMap((zone) => judgeZone(zone, surveyed, changes)),
  ];
}

function judgeRun(change: ChangeRecord, { state, runs, nowMs }: Surveyed): Finding[] {
  const { changeId, request } = change;
  const run = runs[changeId];
  // Recorded since the runs were asked for.
  if (run === undefined || run === 'running') return [];
  const beforeRecovery = request.index < (state.recovery?.index ?? -1);
  if (run === 'unknown' && !beforeRecovery && nowMs - Date.parse(request.at) < GRACE_MS) return [];
  const left = mayHaveLeft(change);
  const next = left === null ? 'It begins again, with nothing written so far' : `It goes back: ${left}`;
  return [
    {
      rule: run === 'foreign' ? 'foreign-run' : 'lost-run',
      subject: changeId,
      message: `The log has it open and the engine ${WHAT_THE_ENGINE_DOES[run]}. ${next}.`,
      action: 'restart',
      remedy: `See \`resilience-ctl status ${changeId}\`; find out who stopped it, and submit it again if it is still wanted.`,
    },
  ];
}

const WHAT_THE_ENGINE_DOES: Record<Exclude<RunState, 'running'>, string> = {
  completed: 'has finished with it without an end in the log',
  failed: 'failed at it',
  terminated: 'was told to terminate it',
  'timed-out': 'let its run time out',
  cancelled: 'was told to cancel it',
  foreign: 'runs something else under its id',
  unknown: 'knows nothing of it',
};

/** What may be live of a change although it is neither committed nor ended; null when it never wrote. */
function mayHaveLeft({ intents, exposures }: ChangeRecord): string | null {
  const exposure = exposures.at(-1);
  if (exposure && !isWithdrawal(exposure.rollout)) {
    const resources = exposure.moves.map(({ resource }) => resource).join(', ');
    return `its canary of ${resources} is exposed at ${exposure.rollout.stage}`;
  }
  const newest = intents.at(-1);
  if (newest === undefined) return null;
  return `stage ${newest.stage} of intent ${newest.index} may be live${newest.zone === null ? '' : ` in ${newest.zone}`}`;
}

function judgeZone(reading: ZoneReading, surveyed: Surveyed, changes: readonly ChangeRecord[]): Finding[] {
  const { zone } = reading;
  if (reading.state === null) {
    return [
      {
        rule: 'unread-zone',
        subject: zone,
        message: `Not judged: ${reading.why}`,
        action: 'hold',
        remedy: 'It is read again the next time; if this lasts, look at the provider.',
      },
    ];
  }
  const records = judgeRecords(reading.state, surveyed.state);
  const unexplained = whyUnexplained(zone, reading.state.fence, surveyed.state);
  if (unexplained !== null) {
    return [
      {
        rule: 'unexplained-fence',
        subject: zone,
        message: `In ${zone}, ${unexplained}.`,
        action: 'hold',
        remedy:
          'Find out who wrote it: somebody else has the right to change this zone. Then raise the fence (`resilience-ctl recover --reason TEXT`), or put the TXT record back by hand.',
      },
      ...records,
    ];
  }
  return [...judgeOutcomes(reading.state, surveyed, changes), ...records];
}

/** An intent that still expects the live fence may be in flight; any other has landed or never will. */
function judgeOutcomes(
  { zone, fence }: ZoneState,
  { nowMs }: Surveyed,
  changes: readonly ChangeRecord[],
): Finding[] {
  return changes.flatMap(({ changeId, intents, outcomes }) =>
    intents
      .filter((intent) => intent.zone === zone && intent.expectedFence !== fence)
      .filter((intent) => nowMs - Date.parse(intent.at) >= GRACE_MS)
      .filter(({ index }) => !outcomes.some(({ intentIndex }) => intentIndex === index))
      .map(
        ({ index, stage }): Finding => ({
          rule: 'missing-outcome',
          subject: changeId,
          zone,
          message: `Intent ${index} (${stage}) on ${zone} has no outcome; the fence ${fence} says what became of it.`,
          action: 'settle',
          remedy: 'Start the enactor: the outcome needs its key.',
        }),
      ),
  );
}

/** Records of a change under way are its own to judge; those that no change ever committed are nobody's here. */
function judgeRecords(live: ZoneState, state: LogState): Finding[] {
  return Object.entries(state.live)
    .filter(([resource]) => resource.startsWith(`dns/${live.zone}/`))
    .filter(([resource]) => !Object.hasOwn(state.reservations, resource))
    .filter(
      ([resource, { digest }]) =>
        groupDigest(groupIn(live, parseDnsResource(resource, [live.zone]))) !== digest,
    )
    .map(
      ([resource, { changeId, index }]): Finding => ({
        rule: 'changed-out-of-band',
        subject: resource,
        message: `It is not live as change ${changeId} committed it at entry ${index}: somebody edited it elsewhere.`,
        action: 'hold',
        remedy: `Nothing puts it back by itself. Submit a change that sets it to what \`resilience-ctl get ${resource}\` prints.`,
      }),
    );
}
