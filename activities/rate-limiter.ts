import type { Violation } from '../domain/errors.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import type { RateLane } from '../domain/limits/rate-lane.ts';
import { type RateLimit, reserve, type TokenBucket, tryTake } from '../domain/limits/token-bucket.ts';
import type { Clock } from './ports/clock.ts';

/** Whom a request counts for, and with what. */
export interface Counted {
  lane: RateLane;
  subject: string;
}

/**
 * How often each person may ask, each lane counted apart, under `policy.rateLimits`. Counted in this process and
 * nowhere else; only whom a signature has named, so that there are never more buckets than enrolled people.
 */
export interface RateLimiter {
  /** Null, and counted, when this person may now; else the refusal. */
  refusal(counted: Counted, limit: RateLimit): Violation | null;
  /** Counts it in any case; how long whoever asked for it has to wait, in milliseconds. */
  waitMs(counted: Counted, limit: RateLimit): number;
}

export interface RateLimited {
  limiter: RateLimiter;
}

export function createRateLimiter(clock: Clock): RateLimiter {
  const buckets = new Map<string, TokenBucket>();
  const draw = (take: typeof reserve, { lane, subject }: Counted, limit: RateLimit): number => {
    const key = `${lane} ${subject}`;
    const { bucket, waitMs } = take(buckets.get(key) ?? null, limit, clock.nowMs());
    buckets.set(key, bucket);
    return waitMs;
  };
  return {
    waitMs: (counted, limit) => draw(reserve, counted, limit),
    refusal(counted, limit) {
      const waitMs = draw(tryTake, counted, limit);
      if (waitMs === 0) return null;
      const { perMinute, burst } = limit;
      return {
        code: 'THROTTLED',
        rule: 'rate-limit',
        message: `${counted.subject} may send ${burst} at once and ${perMinute} a minute; this one is neither judged nor recorded.`,
        remedy: `Send it again in ${Math.ceil(waitMs / 1000)} s.`,
      };
    },
  };
}

/** Whom a statement counts for: whoever holds a key that did sign it, whatever name it claims. */
export function subjectOf({ people }: TrustDocument, keyIds: readonly string[]): string {
  const holder = people.find(({ keys }) => keys.some(({ keyId }) => keyIds.includes(keyId)));
  return holder?.subject ?? keyIds.join();
}
