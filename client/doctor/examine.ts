import { MAX_CLOCK_AHEAD_MS } from '../../domain/approval/validity.ts';
import { DomainError } from '../../domain/errors.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { QUEUES } from '../../workflows/contract.ts';
import { type Check, type Finding, finding, well } from './finding.ts';
import type { BucketReading, Poller, Surroundings } from './surroundings.ts';

const DAY_MS = 24 * 60 * 60_000;
const ROTATE_BEFORE_MS = 30 * DAY_MS;
/** A worker asks for work at least once a minute. */
const POLLER_GONE_MS = 90_000;
/** The log is cosigned again every few seconds while it grows; a quiet one is not. */
const CHECKPOINT_LAG_ENTRIES = 100;
const KEY_FILE_MODE = 0o600;

/**
 * Looks at everything that an installation needs, all at once, and says of each what is there and what to do. Never
 * throws a `DomainError`: what cannot be looked at is a finding.
 */
export async function examine(around: Surroundings): Promise<Finding[]> {
  const found = await Promise.all([
    look('trust', async () => judgeTrust(await around.trust(), around.nowMs())),
    look('keys', async () => judgeKeys(await around.keys())),
    look('bucket', async () => {
      const sentMs = around.nowMs();
      const reading = await around.bucket();
      return [judgeClock(reading.dateMs, sentMs, around.nowMs()), ...judgeBucket(reading)];
    }),
    look('log', () => examineLog(around)),
    look('checkpoint', () => examineCheckpoint(around)),
    look('zones', () => examineZones(around)),
    look('workers', () => examineWorkers(around)),
  ]);
  return found.flat();
}

async function look(check: Check, see: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await see();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { kind, message, details, code } = error;
    const state = kind === 'unavailable' || code === 'NOT_FOUND' ? 'missing' : 'wrong';
    const where: Check = code === 'ENGINE_UNAVAILABLE' ? 'engine' : check;
    return [finding(where, state, message, details.next ?? 'See the message.')];
  }
}

function judgeTrust(trust: TrustDocument, nowMs: number): Finding[] {
  const { environment, version, root } = trust;
  const left = Date.parse(root.expiresAt) - nowMs;
  const document = `version ${version} of ${environment}`;
  const next = 'Have its root keys sign the next version.';
  if (left <= 0) {
    return [
      finding('trust', 'wrong', `${document}; it expired at ${root.expiresAt}: nothing moves forward`, next),
    ];
  }
  const text = `${document}; expires in ${Math.floor(left / DAY_MS)} days`;
  return [left < ROTATE_BEFORE_MS ? finding('trust', 'note', text, next) : well('trust', text)];
}

function judgeKeys(keys: Awaited<ReturnType<Surroundings['keys']>>): Finding[] {
  if (keys.length === 0) {
    return [
      finding('keys', 'note', 'nobody has a key here', 'Make one: `resilience-ctl keys create SUBJECT`.'),
    ];
  }
  return keys.map(({ subject, roles, fileMode }) => {
    if ((fileMode & ~KEY_FILE_MODE) !== 0) {
      const mode = fileMode.toString(8).padStart(3, '0');
      const next =
        'Make it readable for its owner alone (mode 600); if others could have read it, retire it.';
      return finding('keys', 'wrong', `the key file of ${subject} has mode ${mode}`, next);
    }
    return roles.length === 0
      ? finding(
          'keys',
          'note',
          `the key of ${subject} is not in the trust document`,
          'Have it enrolled, or move it away.',
        )
      : well('keys', `${subject}: ${roles.join(', ')}`);
  });
}

/** Half of the call's own time is the most that the comparison can be off. */
function judgeClock(dateMs: number, sentMs: number, answeredMs: number): Finding {
  // An HTTP date has whole seconds.
  const aheadMs = Math.round((sentMs + answeredMs) / 2 - dateMs - 500);
  const text = `${Math.abs(aheadMs)} ms ${aheadMs >= 0 ? 'ahead of' : 'behind'} the store's`;
  return Math.abs(aheadMs) > MAX_CLOCK_AHEAD_MS
    ? finding('clock', 'wrong', text, 'Set this machine’s clock (NTP): what it signs is refused.')
    : well('clock', text);
}

function judgeBucket(reading: BucketReading): Finding[] {
  const facts: [keyof Omit<BucketReading, 'dateMs'>, string, string][] = [
    ['versioning', 'keeps every version', 'Enable versioning: without it what is overwritten is gone.'],
    [
      'objectLock',
      'locks its objects',
      'Object Lock can only be enabled on a new bucket: copy the log into one.',
    ],
    ['refusesOverwrites', 'refuses to replace objects', 'Put the bucket policy of infra/ in place again.'],
    ['refusesDeletes', 'refuses deletes', 'Put the bucket policy of infra/ in place again.'],
  ];
  return facts.map(([fact, promise, next]) => {
    if (reading[fact] === true) return well('bucket', promise);
    return reading[fact] === null
      ? finding('bucket', 'unknown', `may not ask whether it ${promise}`, 'Ask whoever keeps the bucket.')
      : finding('bucket', 'wrong', `does not hold: ${promise}`, next);
  });
}

async function examineLog(around: Surroundings): Promise<Finding[]> {
  const state = await around.log();
  const open = Object.keys(state.changes).length;
  const stopped = state.automation.filter((one) => one.state !== 'active');
  return [
    well('log', `${state.size} entries, read to the head; ${open} open change${open === 1 ? '' : 's'}`),
    ...stopped.map(({ scope, state: now, operator, reason }) =>
      finding(
        'log',
        'note',
        `${scope === null ? 'the environment' : Object.values(scope).join(' ')} is ${now} by ${operator}: ${reason}`,
        'Resume automation when it is over.',
      ),
    ),
  ];
}

async function examineCheckpoint(around: Surroundings): Promise<Finding[]> {
  const [checkpoint, { size }] = await Promise.all([around.checkpoint(), around.log()]);
  if (checkpoint === null) {
    const next =
      'Start the orchestrator and the witness: without a cosigned checkpoint nothing moves forward.';
    return [finding('checkpoint', 'missing', 'none is published', next)];
  }
  const text = `covers ${checkpoint.size} of ${size} entries, signed and cosigned`;
  return [
    size - checkpoint.size > CHECKPOINT_LAG_ENTRIES
      ? finding(
          'checkpoint',
          'wrong',
          text,
          'See why the orchestrator does not integrate, or the witness not sign.',
        )
      : well('checkpoint', text),
  ];
}

async function examineZones(around: Surroundings): Promise<Finding[]> {
  const { targets } = await around.trust();
  return Promise.all(
    targets.map(async ({ zone }) => {
      const fence = await around.fence(zone);
      return well('zones', `${zone}: ${fence === null ? 'no fence yet' : `fence ${fence}`}`);
    }),
  );
}

/** Every role of the trust document that works for the engine has its own queue, and somebody must poll it. */
async function examineWorkers(around: Surroundings): Promise<Finding[]> {
  const polled = await Promise.all(
    (await around.trust()).services.flatMap((service) => {
      const queue = queueOf(service);
      return queue === null
        ? []
        : [around.pollers(queue).then((pollers) => ({ name: service.name, pollers }))];
    }),
  );
  const present = polled.map(({ name, pollers }) => ({ name, pollers: alive(pollers, around.nowMs()) }));
  const builds = new Set(present.flatMap(({ pollers }) => pollers.map(buildOf)));
  return [
    well('engine', 'answers'),
    ...present.map(({ name, pollers }) =>
      pollers.length === 0
        ? finding('workers', 'missing', `nobody works as ${name}`, `Start the worker of the role ${name}.`)
        : well('workers', `${name}: ${pollers.map(({ identity }) => identity).join(', ')}`),
    ),
    ...(builds.size > 1
      ? [
          finding(
            'workers',
            'note',
            `${builds.size} builds at work: ${[...builds].sort().join(', ')}`,
            'Fine while a deploy is under way; else replace the old ones.',
          ),
        ]
      : []),
  ];
}

function queueOf({ role, voterZone }: TrustDocument['services'][number]): string | null {
  if (role === 'voter') return QUEUES.voter(voterZone ?? '');
  return role === 'factor-verifier' || role === 'break-glass' ? null : QUEUES[role];
}

function alive(pollers: Poller[], nowMs: number): Poller[] {
  return pollers.filter(({ lastSeenMs }) => nowMs - lastSeenMs < POLLER_GONE_MS);
}

function buildOf({ identity }: Poller): string {
  return identity.split(' ').at(1) ?? 'an unknown build';
}
