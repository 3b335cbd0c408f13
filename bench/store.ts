import { createStore, type StoreParts } from '../client/direct-store.ts';
import type { StoredVersion } from '../client/store.ts';
import { diffDocuments } from '../domain/change/document-diff.ts';
import { canonicalBytes, type Digest, digestOf, parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { Move, Predicates } from '../domain/evidence/statements.ts';
import { judgeUnder } from '../domain/log/authority.ts';
import { encodeEntry } from '../domain/log/entry.ts';
import { createFold, type Fold } from '../domain/log/fold.ts';
import { emptyLogState, type LogState } from '../domain/log/state.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { ENVIRONMENT, SAMPLES, sampleMove, signedTrust, signerOf } from '../test/support/sample-log.ts';
import { nowMs } from './aws-calls.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import { median } from './statistics.ts';

const RESOURCES = 10_000;
/** Request, plan, intent and commit of each change: 100,000 entries. */
const CHANGES = 25_000;
const TAIL_ENTRIES = 1_000;
const SNAPSHOT_ROUNDS = 5;
const DIFF_ROUNDS = 5;
const DIFF_LIMIT_MS = 1_000;
const MINUTE_MS = 60_000;

interface SampleLog {
  entries: Uint8Array[];
  bodies: Map<Digest, Uint8Array>;
  resources: number;
}

/** What the store costs where no server takes part: folding, starting from a snapshot, comparing two instants. */
export async function measureStore(run: Run): Promise<Measured> {
  const log = await makeLog(amountOf(run, CHANGES), amountOf(run, RESOURCES));
  run.say(`a log of ${log.entries.length} entries is made`);
  const { foldMs, snapshotMs } = measureFold(log, run);
  run.say('it is folded');
  const { diffMs, differences } = await measureDiff(log, run);
  const { entries, resources } = log;
  const tail = tailOf(entries);
  return {
    findings: [
      {
        name: `5 state of ${resources} resources: snapshot and ${tail} entries / all ${entries.length}`,
        ratio: snapshotMs / foldMs,
        bound: 'max',
        target: 0.1,
      },
      {
        name: `11 diff of ${resources} resources, ${differences} differ / ${DIFF_LIMIT_MS} ms`,
        ratio: diffMs / DIFF_LIMIT_MS,
        bound: 'max',
        target: 1,
      },
    ],
    figures: {
      [`fold of ${entries.length} entries, ms`]: foldMs,
      [`snapshot and ${tail} entries, ms`]: snapshotMs,
      [`diff of ${resources} resources, ms`]: diffMs,
    },
  };
}

function tailOf(entries: readonly Uint8Array[]): number {
  return Math.min(TAIL_ENTRIES, entries.length / 2);
}

/** Changes of one config each, a minute apart, every signature real. */
async function makeLog(changes: number, resources: number): Promise<SampleLog> {
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
  for (let i = 0; i < changes; i += 1) {
    const changeId = `change-${i}`;
    const resource = `config/service-${i % resources}/timeouts`;
    const body = { schema: 'schema/timeouts@^1', value: { readMs: i } };
    const [to, planDigest] = [digestOf(body), digestOf(changeId)];
    const at = new Date(i * MINUTE_MS).toISOString();
    const move: Move = sampleMove({
      ...{ resource, to, from: live.get(resource) ?? null },
      version: `1.${Math.floor(i / resources)}.0`,
    });
    await say('request', { changeId, nonce: changeId, resources: [resource], at });
    await say('plan', { changeId, planDigest, resources: [resource], zone: null, at });
    await say('intent', { changeId, planDigest, zone: null, at });
    await say('commit', { changeId, planDigest, zone: null, moves: [move], at });
    live.set(resource, to);
    bodies.set(to, canonicalBytes(body));
  }
  return { entries, bodies, resources };
}

function measureFold({ entries, resources }: SampleLog, run: Run): { foldMs: number; snapshotMs: number } {
  const trust = signedTrust();
  const verify = verifyEd25519;
  const newFold = (from?: LogState) =>
    createFold({ environment: ENVIRONMENT, trust, verify, ...(from ? { from } : {}) });
  const tail = entries.slice(-tailOf(entries));
  const whole = newFold();
  const startMs = nowMs();
  applyAll(whole, entries.slice(0, -tail.length));
  const beforeTailMs = nowMs() - startMs;
  const snapshot = canonicalBytes(whole.state);
  const tailMs = nowMs();
  applyAll(whole, tail);
  const foldMs = beforeTailMs + (nowMs() - tailMs);
  if (Object.keys(whole.state.live).length !== resources) throw new Error('Not every resource is live.');
  const state = digestOf(whole.state);
  const rounds = Array.from({ length: roundsOf(run, SNAPSHOT_ROUNDS) }, () => {
    const roundMs = nowMs();
    const continued = newFold(parseJsonBytes(snapshot) as LogState);
    applyAll(continued, tail);
    const tookMs = nowMs() - roundMs;
    if (digestOf(continued.state) !== state) throw new Error('The two states are not equal.');
    return tookMs;
  });
  return { foldMs, snapshotMs: median(rounds) };
}

function applyAll(fold: Fold, entries: readonly Uint8Array[]): void {
  for (const entry of entries) {
    const fate = fold.apply(entry);
    if (fate.fate !== 'honoured') throw new Error(`An entry was not honoured: ${JSON.stringify(fate)}`);
  }
}

/** Everything that differs between the middle of the log and its end, bodies included, as `diff --at … --at …` does. */
async function measureDiff(log: SampleLog, run: Run): Promise<{ diffMs: number; differences: number }> {
  const store = createStore(storeParts(log));
  await store.stateAt('head');
  let differences = 0;
  const rounds: number[] = [];
  for (let round = 0; round < roundsOf(run, DIFF_ROUNDS); round += 1) {
    const startMs = nowMs();
    const [before, after] = await Promise.all([
      store.stateAt({ size: Math.floor(log.entries.length / 2) }),
      store.stateAt('head'),
    ]);
    const earlier = new Map(before.versions.map((one) => [one.resource, one]));
    const changed = after.versions.filter((one) => earlier.get(one.resource)?.digest !== one.digest);
    const bodyOf = (one: StoredVersion | undefined) => (one ? store.bodyOf(one) : undefined);
    const edits = await Promise.all(
      changed.map(async (one) => diffDocuments(await bodyOf(earlier.get(one.resource)), await bodyOf(one))),
    );
    rounds.push(nowMs() - startMs);
    differences = edits.filter((one) => one.length > 0).length;
  }
  return { diffMs: median(rounds), differences };
}

/** The log was folded once, and every entry of it counts. */
function storeParts({ entries, bodies }: SampleLog): StoreParts {
  const trust = signedTrust();
  const judge = judgeUnder(trust, verifyEd25519);
  return {
    ...{ environment: ENVIRONMENT, checkpoint: async () => null },
    log: {
      sync: async () => emptyLogState(ENVIRONMENT, trust),
      async *entries() {
        for (const [index, bytes] of entries.entries())
          yield { index, bytes, fate: { fate: 'honoured', index }, judge };
      },
    },
    bodies: {
      async get(digest) {
        const bytes = bodies.get(digest);
        if (!bytes) throw new Error(`There is no body ${digest}.`);
        return bytes;
      },
    },
    readPlan: async (digest) => {
      throw new Error(`There is no plan ${digest}.`);
    },
  };
}
