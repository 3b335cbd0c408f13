import { type ClientPorts, startControlPlaneClient } from '../client/sdk/start-client.ts';
import { cycleFrom, type WouldBe } from '../domain/causality/would-be.ts';
import { canonicalBytes, type Digest, digestOf, parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { Move, Predicates } from '../domain/evidence/statements.ts';
import { encodeEntry } from '../domain/log/entry.ts';
import { createFold, type Fold } from '../domain/log/fold.ts';
import type { LogState } from '../domain/log/state.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { ENVIRONMENT, SAMPLES, sampleMove, signedTrust, signerOf } from '../test/support/sample-log.ts';
import { nowMs } from './aws-calls.ts';
import type { Finding } from './report.ts';
import { median } from './statistics.ts';

const RESOURCES = 10_000;
/** Request, plan, intent and commit of each change: 100,000 entries. */
const CHANGES = 25_000;
const TAIL_ENTRIES = 1_000;
const EDGES = 50_000;
const CYCLE_LIMIT_MS = 50;
const ROUNDS = 11;
const GETS = 1_000_000;
const MINUTE_MS = 60_000;

export interface StoreFigures {
  findings: Finding[];
  figures: Record<string, number>;
}

/** What the store costs where no server takes part: folding, starting from a snapshot, the graph, and a reader's `get`. */
export async function measureStore(): Promise<StoreFigures> {
  const { entries, bodies } = await makeLog();
  const { foldMs, snapshotMs, state } = measureFold(entries);
  const cycleMs = measureCycles();
  const { getsPerSecond, timesMap } = await measureGets(state, bodies);
  return {
    findings: [
      {
        name: `5 state of ${RESOURCES} resources: snapshot and ${TAIL_ENTRIES} entries / all ${entries.length}`,
        ratio: snapshotMs / foldMs,
        bound: 'max',
        target: 0.1,
      },
      {
        name: `6 cycle check, ${RESOURCES} nodes and ${EDGES} edges / ${CYCLE_LIMIT_MS} ms`,
        ratio: cycleMs / CYCLE_LIMIT_MS,
        bound: 'max',
        target: 1,
      },
      { name: '7 SDK get / get of a plain Map', ratio: timesMap, bound: 'max', target: 2 },
    ],
    figures: {
      [`fold of ${entries.length} entries, ms`]: foldMs,
      [`snapshot and ${TAIL_ENTRIES} entries, ms`]: snapshotMs,
      'cycle check, ms': cycleMs,
      'SDK get, per second': getsPerSecond,
    },
  };
}

/** Changes of one config each, a minute apart, every signature real. */
async function makeLog(): Promise<{ entries: Uint8Array[]; bodies: Map<Digest, Uint8Array> }> {
  const signers = {
    request: signerOf('ada'),
    plan: signerOf('orchestrator'),
    intent: signerOf('orchestrator'),
    commit: signerOf('enactor'),
  };
  const entries: Uint8Array[] = [];
  const bodies = new Map<Digest, Uint8Array>();
  const live = new Map<string, Digest>();
  const say = async <T extends keyof typeof signers>(type: T, about: Partial<Predicates[T]>) => {
    const predicate = { ...SAMPLES[type], ...about } as Predicates[T];
    entries.push(encodeEntry(await signStatement(signers[type], type, predicate)));
  };
  for (let i = 0; i < CHANGES; i += 1) {
    const changeId = `change-${i}`;
    const resource = `config/service-${i % RESOURCES}/timeouts`;
    const body = { schema: 'schema/timeouts@^1', value: { readMs: i } };
    const [to, planDigest] = [digestOf(body), digestOf(changeId)];
    const at = new Date(i * MINUTE_MS).toISOString();
    const move: Move = sampleMove({
      ...{ resource, to, from: live.get(resource) ?? null },
      version: `1.${Math.floor(i / RESOURCES)}.0`,
      versionDigest: digestOf(`version of ${changeId}`),
    });
    await say('request', { changeId, nonce: changeId, resources: [resource], at });
    await say('plan', { changeId, planDigest, resources: [resource], zone: null, at });
    await say('intent', { changeId, planDigest, zone: null, at });
    await say('commit', { changeId, planDigest, zone: null, moves: [move], at });
    live.set(resource, to);
    bodies.set(to, canonicalBytes(body));
  }
  return { entries, bodies };
}

function measureFold(entries: readonly Uint8Array[]): {
  foldMs: number;
  snapshotMs: number;
  state: LogState;
} {
  const trust = signedTrust();
  const verify = verifyEd25519;
  const newFold = (from?: LogState) =>
    createFold({ environment: ENVIRONMENT, trust, verify, ...(from ? { from } : {}) });
  const tail = entries.length - TAIL_ENTRIES;
  const whole = newFold();
  const startMs = nowMs();
  applyAll(whole, entries.slice(0, tail));
  const beforeTailMs = nowMs() - startMs;
  const snapshot = canonicalBytes(whole.state);
  const tailMs = nowMs();
  applyAll(whole, entries.slice(tail));
  const foldMs = beforeTailMs + (nowMs() - tailMs);

  const snapshotStartMs = nowMs();
  const continued = newFold(parseJsonBytes(snapshot) as LogState);
  applyAll(continued, entries.slice(tail));
  const snapshotMs = nowMs() - snapshotStartMs;
  if (digestOf(continued.state) !== digestOf(whole.state)) throw new Error('The two states are not equal.');
  if (Object.keys(whole.state.live).length !== RESOURCES) throw new Error('Not every resource is live.');
  return { foldMs, snapshotMs, state: whole.state };
}

function applyAll(fold: Fold, entries: readonly Uint8Array[]): void {
  for (const entry of entries) {
    const fate = fold.apply(entry);
    if (fate.fate !== 'honoured') throw new Error(`An entry was not honoured: ${JSON.stringify(fate)}`);
  }
}

/** As the fold asks it at a commit's index, of one document that depends on all others. Without a cycle all is walked. */
function measureCycles(): number {
  const nodes = Array.from({ length: RESOURCES }, (_, i) => `config/service-${i}/timeouts`);
  const targets = nodes.map((): string[] => []);
  for (let edge = RESOURCES; edge < EDGES; edge += 1) {
    const from = 1 + ((edge * 7_919) % (RESOURCES - 1));
    targets[from]?.push(nodes[(edge * 104_729) % from] ?? '');
  }
  const digest = digestOf('any');
  const version = { digest, version: '1.0.0', versionDigest: null, parent: null, clock: 1, vector: {} };
  const live: LogState['live'] = Object.fromEntries(
    nodes.map((node, i) => [
      node,
      { ...version, dependsOn: targets[i] ?? [], changeId: 'change', index: 1, canary: null },
    ]),
  );
  const root = { resource: 'config/all/timeouts', digest, version: '1.0.0', dependsOn: nodes };
  const world: WouldBe = {
    state: { live, changes: {}, ended: {} },
    moves: new Map([[root.resource, root]]),
    dependentsOf: () => [],
  };
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = nowMs();
    const cycle = cycleFrom(world);
    const tookMs = nowMs() - startMs;
    if (cycle !== null) throw new Error('The graph has no cycle.');
    return tookMs;
  });
  return median(rounds);
}

async function measureGets(
  state: LogState,
  bodies: ReadonlyMap<Digest, Uint8Array>,
): Promise<{ getsPerSecond: number; timesMap: number }> {
  const client = await startControlPlaneClient(
    portsOf(state, bodies),
    {
      ...{ environment: ENVIRONMENT, trustDigest: '', pollIntervalMs: 1_000, reportIntervalMs: 5_000 },
      consumer: { service: 'bench', instanceId: 'bench-0', zone: 'us-east-1a' },
    },
    null,
  );
  const resources = Object.keys(state.live);
  const map = new Map(resources.map((resource) => [resource, client.get(resource)]));
  const rounds = Array.from({ length: ROUNDS }, () => ({
    sdkMs: timeOf(resources, (resource) => client.get(resource)),
    mapMs: timeOf(resources, (resource) => map.get(resource)),
  })).slice(1);
  await client.close();
  return {
    getsPerSecond: (1_000 * GETS) / median(rounds.map(({ sdkMs }) => sdkMs)),
    timesMap: median(rounds.map(({ sdkMs, mapMs }) => sdkMs / mapMs)),
  };
}

function timeOf(resources: readonly string[], get: (resource: string) => unknown): number {
  const startMs = nowMs();
  let found = 0;
  for (let i = 0; i < GETS; i += 1) if (get(resources[i % resources.length] ?? '') !== undefined) found += 1;
  const tookMs = nowMs() - startMs;
  if (found !== GETS) throw new Error(`${GETS - found} documents are not there.`);
  return tookMs;
}

/** A log that stands still, and no disk. */
function portsOf(state: LogState, bodies: ReadonlyMap<Digest, Uint8Array>): ClientPorts {
  const get = async (digest: Digest) => {
    const bytes = bodies.get(digest);
    if (!bytes) throw new Error(`There is no body ${digest}.`);
    return bytes;
  };
  const nothing = async () => {};
  return {
    log: { sync: async () => state, position: () => ({ state, previous: digestOf('previous') }) },
    bodies: { get },
    copy: {
      file: { read: async () => null, keep: nothing },
      bodies: { get, put: async (bytes) => digestOf(bytes.length), retain: nothing },
    },
    reports: { write: nothing },
    nowMs: Date.now,
    random: () => 0,
    after: () => () => {},
    release: () => {},
  };
}
