import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ControlPlaneClient } from '../../client/sdk/index.ts';
import { startControlPlaneClient } from '../../client/sdk/start-client.ts';
import type { ConsumerReport } from '../../domain/canary/consumer-report.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import type { LogState } from '../../domain/log/state.ts';
import { createFileBodies } from '../../infra/files/file-bodies.ts';
import { createLastGoodFile } from '../../infra/files/file-last-good.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { DocumentHistory } from './document-history.ts';
import { ENVIRONMENT, signedTrust } from './sample-log.ts';

export const POLL_MS = 1_000;
export const REPORT_MS = 5_000;
const START_MS = Date.parse('2026-01-01T00:00:00.000Z');

/** Timers that pass when a test says so. */
class ManualTimers {
  readonly #pending: { ms: number; call: () => void }[] = [];
  #onSet: () => void = () => {};

  readonly after = (ms: number, call: () => void) => {
    const timer = { ms, call };
    this.#pending.push(timer);
    this.#onSet();
    return () => {
      const at = this.#pending.indexOf(timer);
      if (at >= 0) this.#pending.splice(at, 1);
    };
  };

  get waits(): number[] {
    return this.#pending.map(({ ms }) => ms);
  }

  /** Lets the timer that fits pass, and waits until what it did sets the next one. */
  async pass(fits: (ms: number) => boolean): Promise<void> {
    const at = this.#pending.findIndex(({ ms }) => fits(ms));
    const [timer] = at < 0 ? [] : this.#pending.splice(at, 1);
    if (!timer) throw new Error(`No timer fits: ${this.waits.join()}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSet = resolve;
    timer.call();
    await promise;
    this.#onSet = () => {};
  }
}

/** A log and bodies in memory, a disk, and a consumer over them: the whole SDK but its S3 adapters. */
export class SdkScene {
  readonly dir = mkdtempSync(join(tmpdir(), 'resilience-sdk-'));
  readonly timers = new ManualTimers();
  readonly reports: ConsumerReport[] = [];
  readonly bodies = new Map<Digest, Uint8Array>();
  readonly copy = {
    file: createLastGoodFile(this.dir),
    bodies: createFileBodies(join(this.dir, 'bodies')),
  };
  nowMs = START_MS;
  /** What reading the log, a body or writing a report throws. */
  logFails: Error | null = null;
  reportsFail: Error | null = null;
  /** Instead of the log's own state. */
  shown: LogState | null = null;
  /** While set, reading the log does not end. */
  hangs: Promise<void> | null = null;
  readonly #fold;
  readonly history: DocumentHistory;

  constructor() {
    onTestFinished(() => rmSync(this.dir, { recursive: true, force: true }));
    const trust = signedTrust();
    this.#fold = createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
    this.history = new DocumentHistory({
      environment: ENVIRONMENT,
      append: async (envelopes) => envelopes.map((envelope) => this.#fold.apply(encodeEntry(envelope))),
      putBody: async (bytes) => this.bodies.set(digestOfBytes(bytes), bytes),
    });
  }

  get state(): LogState {
    return this.#fold.state;
  }

  async start(change: { instanceId?: string; trustDigest?: string } = {}): Promise<ControlPlaneClient> {
    const { instanceId = 'pod-1', trustDigest = 'sha256:trust' } = change;
    const settings = {
      environment: ENVIRONMENT,
      trustDigest,
      consumer: { service: 'payments', instanceId, zone: 'us-east-1a' },
      pollIntervalMs: POLL_MS,
      reportIntervalMs: REPORT_MS,
    };
    return startControlPlaneClient(this.#ports(), settings, await this.copy.file.read());
  }

  poll(): Promise<void> {
    return this.timers.pass((ms) => ms < POLL_MS);
  }

  sendReports(): Promise<void> {
    return this.timers.pass((ms) => ms === REPORT_MS);
  }

  #ports() {
    return {
      log: {
        sync: async () => {
          await this.hangs;
          if (this.logFails) throw this.logFails;
          return structuredClone(this.shown ?? this.state);
        },
        position: () => ({ state: this.state, previous: genesisDigest(ENVIRONMENT) }),
      },
      bodies: { get: async (digest: Digest) => this.#body(digest) },
      reports: {
        write: async (report: ConsumerReport) => {
          if (this.reportsFail) throw this.reportsFail;
          this.reports.push(report);
        },
      },
      copy: this.copy,
      nowMs: () => this.nowMs,
      random: () => 0.5,
      after: this.timers.after,
      release: () => {},
    };
  }

  /** As the adapter does: believed only by the digest. */
  #body(digest: Digest): Uint8Array {
    const bytes = this.bodies.get(digest);
    if (!bytes) throw new DomainError('NOT_FOUND', `There is no body ${digest}.`);
    if (digestOfBytes(bytes) === digest) return bytes;
    throw new DomainError('DIGEST_MISMATCH', `The body ${digest} has the digest ${digestOfBytes(bytes)}.`);
  }
}

export const TIMEOUTS = 'config/payments/timeouts';
export const TRADING = 'switch/trading';

export function timeouts(value: object): object {
  return { schema: 'schema/timeouts@^1', value };
}

export function killSwitch(change: object = {}): object {
  return {
    type: 'kill-switch',
    engaged: false,
    owner: 'team-trading',
    expiresAt: '2026-01-01T01:00:00Z',
    safeState: 'engaged',
    ...change,
  };
}
