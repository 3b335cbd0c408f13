import type { Arm } from '../../domain/canary/consumer-arm.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { MergedConfig } from '../../domain/kinds/config-layers.ts';
import type { JsonObject } from '../../domain/kinds/json-pointer.ts';
import type { SwitchBody } from '../../domain/kinds/switch.ts';

/** What a resource's name says about its value. */
export type ValueOf<R extends string> = R extends `switch/${string}` ? SwitchBody : JsonObject;

/** One version that this consumer has applied. Frozen, all the way down. */
export interface LiveDocument<R extends string = string> {
  readonly resource: R;
  /** SemVer. */
  readonly version: string;
  readonly digest: Digest;
  readonly arm: Arm;
  /** Index of the log entry that made it live, or exposed it. */
  readonly index: number;
  /** A config's value, a switch as declared (`isEngaged` knows the time), a JSON Schema. */
  readonly value: ValueOf<R>;
}

export interface DocumentMove<R extends string = string> {
  resource: R;
  before: LiveDocument<R> | undefined;
  after: LiveDocument<R> | undefined;
}

/** One piece of the consumer's own work, as it went: the canary's evidence. */
export interface HealthSample {
  ok: boolean;
  latencyMs: number;
}

export interface Freshness {
  state: 'fresh' | 'stale';
  /** Entries of the log that what is served follows from. */
  index: number;
  /** When the log was last read to its head with everything verified, RFC 3339; since then it is stale, if it is. */
  lastVerifiedAt: string;
  /** Why it is stale; null while it is fresh. */
  reason: Problem | null;
  /** What failed without making anything stale: the copy on disk, a report, a listener. The newest of each. */
  warnings: Problem[];
}

export interface Problem {
  code: string;
  message: string;
  next: string;
}

/**
 * What is live, for one consumer: verified, and never older than what it was shown before. It answers from memory
 * and goes on doing so, marked stale, when the control plane is away or shows something that does not verify.
 */
export interface ControlPlaneClient {
  /** What this consumer has applied; undefined when there is none. A look-up in a `Map`. */
  get<R extends string>(resource: R): LiveDocument<R> | undefined;
  /**
   * A config as `service` reads it: its layers merged (global, environment, tenant, service), each in the version of
   * this consumer's arm, and where each value came from. Undefined when there is no layer at all.
   */
  getEffective(
    service: string,
    document: string,
    options?: { tenant?: string },
  ): Readonly<MergedConfig> | undefined;
  /**
   * Calls back after each move of the resource, when all that moved with it is in place. Time alone calls nobody: a
   * switch that expires falls to its safe state in `isEngaged`. Returns what ends the watch.
   */
  watch<R extends string>(resource: R, listener: (move: DocumentMove<R>) => void): () => void;
  /**
   * Whether `switch/<name>` stops this consumer (its service and zone, and a tenant if one is named) now. Throws
   * `NOT_FOUND` for a switch that is not there: nobody can say what it would want.
   */
  isEngaged(name: string, options?: { tenant?: string }): boolean;
  /** Which arm of the resource this consumer is on; `stable` where there is only one. */
  arm(resource: string): Arm;
  status(): Freshness;
  /** Counts one sample. It is sent, summed up, only while a change exposes something that this consumer reads. */
  report(sample: HealthSample): void;
  /** Ends polling, and sends what was reported. What was read can still be asked. */
  close(): Promise<void>;
}
