import type { Bodies } from '../../activities/ports/bodies.ts';
import type { ChangeLog } from '../../activities/ports/change-log.ts';
import type { ConsumerPlace } from '../../domain/canary/consumer-arm.ts';
import { DomainError, PortError } from '../../domain/errors.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { LogPosition } from '../../infra/aws/s3-change-log.ts';
import type { FileBodies } from '../../infra/files/file-bodies.ts';
import type { LastGood, LastGoodFile } from '../../infra/files/file-last-good.ts';
import type { Freshness, Problem } from './control-plane-client.ts';
import { digestsIn, movedBetween, type View, viewOf } from './view.ts';

/** Where the follower reads, and what it keeps on disk. */
export interface FollowerPorts {
  log: Pick<ChangeLog, 'sync'> & { position(): LogPosition };
  bodies: Pick<Bodies, 'get'>;
  copy: { file: LastGoodFile; bodies: FileBodies };
  nowMs(): number;
}

export interface FollowerSettings {
  environment: string;
  trustDigest: string;
  consumer: ConsumerPlace;
  pollIntervalMs: number;
}

/** Without a reading that ended for so many intervals, and for so long, what is served counts as stale. */
const STALE_AFTER_POLLS = 5;
const STALE_AFTER_MS = 5_000;
/** While nothing moves that is served, the place in the log is written down only so often. */
const KEEP_INTERVAL_MS = 60_000;

/**
 * Follows the log and accepts a view only whole: log, signatures (in the fold) and every body verified, and not behind
 * what was accepted before. Whatever fails, the last good view stays.
 */
export class Follower {
  readonly #ports: FollowerPorts;
  readonly #settings: FollowerSettings;
  readonly #onMove: (before: View | null, after: View) => void;
  readonly #warnings = new Map<string, Problem>();
  #view: View | null = null;
  /** The log's size that was accepted last, be it before a restart. */
  #floor = 0;
  #verifiedMs = 0;
  #keptMs = Number.NEGATIVE_INFINITY;
  #failure: unknown = null;

  constructor(
    ports: FollowerPorts,
    settings: FollowerSettings,
    onMove: (before: View | null, after: View) => void,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#onMove = onMove;
  }

  /** Null until something is verified. */
  get view(): View | null {
    return this.#view;
  }

  /** Why the last reading failed; null when it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Serves the copy on disk. One that was made under another trust document says only how far the log had come: what
   * it believed may not be believed any more. Never rejects: an incomplete copy is none.
   */
  async restore({ position: { state }, trustDigest, verifiedAt }: LastGood): Promise<void> {
    this.#floor = state.size;
    if (trustDigest !== this.#settings.trustDigest) return;
    try {
      this.#accept(await viewOf(state, this.#settings.consumer, null, this.#load), Date.parse(verifiedAt));
    } catch (error) {
      this.warn('copy', error);
    }
  }

  /** Reads to the head of the log. Never rejects. */
  async poll(): Promise<void> {
    const beganMs = this.#ports.nowMs();
    try {
      const state = await this.#ports.log.sync();
      if (state.size < this.#floor) throw shortened(state.size, this.#floor);
      const before = this.#view;
      const after =
        before?.index === state.size
          ? before
          : await viewOf(state, this.#settings.consumer, before, this.#load);
      const isDue = beganMs - this.#keptMs >= KEEP_INTERVAL_MS;
      // Before it is served: what a consumer has acted on must not be forgotten by a crash.
      if (isDue || movedBetween(before, after).length > 0) await this.#keep(beganMs, digestsIn(state));
      this.#failure = null;
      this.#accept(after, beganMs);
    } catch (error) {
      this.#failure = error;
    }
  }

  warn(about: 'copy' | 'report' | 'listener', error: unknown): void {
    this.#warnings.set(about, problemOf(error));
  }

  wentWell(about: 'copy' | 'report'): void {
    this.#warnings.delete(about);
  }

  status(): Freshness {
    const reason = this.#failure === null ? this.#overdue() : problemOf(this.#failure);
    return {
      state: reason === null ? 'fresh' : 'stale',
      index: this.#floor,
      lastVerifiedAt: new Date(this.#verifiedMs).toISOString(),
      reason,
      warnings: [...this.#warnings.values()],
    };
  }

  #accept(view: View, verifiedMs: number): void {
    const before = this.#view;
    this.#view = view;
    this.#floor = view.index;
    this.#verifiedMs = verifiedMs;
    if (view !== before) this.#onMove(before, view);
  }

  /** From the copy if it is there and whole, else from the store, which is believed only by the digest as well. */
  readonly #load = async (digest: Digest): Promise<Uint8Array> => {
    const { bodies, copy } = this.#ports;
    try {
      return await copy.bodies.get(digest);
    } catch {
      const bytes = await bodies.get(digest);
      await copy.bodies.put(bytes).catch((error: unknown) => this.warn('copy', error));
      return bytes;
    }
  };

  /** A disk that fails must not keep a kill switch from being seen. */
  async #keep(verifiedMs: number, digests: ReadonlySet<Digest>): Promise<void> {
    const { environment, trustDigest } = this.#settings;
    const { copy, log } = this.#ports;
    const verifiedAt = new Date(verifiedMs).toISOString();
    try {
      await copy.file.keep({ environment, trustDigest, verifiedAt, position: log.position() });
      await copy.bodies.retain(digests);
      this.#keptMs = verifiedMs;
      this.wentWell('copy');
    } catch (error) {
      this.warn('copy', error);
    }
  }

  #overdue(): Problem | null {
    const patienceMs = Math.max(STALE_AFTER_MS, STALE_AFTER_POLLS * this.#settings.pollIntervalMs);
    if (this.#ports.nowMs() - this.#verifiedMs <= patienceMs) return null;
    return {
      code: 'STORE_UNAVAILABLE',
      message: `The log was read last at ${new Date(this.#verifiedMs).toISOString()}, and the reading under way has not ended.`,
      next: 'Check that the endpoint of the store answers; reading goes on by itself.',
    };
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof DomainError) {
    const { code, message, details } = error;
    return { code, message, next: details.next ?? 'See the message.' };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'UNEXPECTED', message, next: 'If it stays, report this as a defect.' };
}

function shortened(size: number, floor: number): PortError {
  return new PortError('LOG_FORKED', `The log has ${size} entries; it had ${floor} when it was last read.`, {
    next: 'Page: a log never gets shorter. What was read before goes on being served.',
  });
}
