import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RateLimit, reserve, type TokenBucket, tryTake } from '../../domain/limits/token-bucket.ts';

const MINUTE_MS = 60_000;
const limits: fc.Arbitrary<RateLimit> = fc.record({
  perMinute: fc.integer({ min: 1, max: 6_000 }),
  burst: fc.integer({ min: 1, max: 100 }),
});
const pauses = fc.array(fc.integer({ min: 0, max: 3 * MINUTE_MS }), { minLength: 1, maxLength: 300 });

/** The times at which somebody who asks after each pause may. */
function allowedAt(limit: RateLimit, pausesMs: readonly number[]): number[] {
  let bucket: TokenBucket | null = null;
  let nowMs = 0;
  return pausesMs.flatMap((pauseMs) => {
    nowMs += pauseMs;
    const taken = tryTake(bucket, limit, nowMs);
    bucket = taken.bucket;
    return taken.waitMs === 0 ? [nowMs] : [];
  });
}

test('in no span of time are there more than the burst and what the rate adds', () => {
  fc.assert(
    fc.property(limits, pauses, (limit, pausesMs) => {
      const allowed = allowedAt(limit, pausesMs);
      allowed.forEach((from, first) => {
        allowed.slice(first).forEach((to, count) => {
          const most = limit.burst + ((to - from) * limit.perMinute) / MINUTE_MS;
          expect(count + 1).toBeLessThanOrEqual(most + 1e-3);
        });
      });
    }),
    { numRuns: 300 },
  );
});

test('after a pause that is long enough the whole burst is there again', () => {
  fc.assert(
    fc.property(limits, pauses, (limit, pausesMs) => {
      const fillMs = Math.ceil((limit.burst * MINUTE_MS) / limit.perMinute) + 1;
      const rest = [fillMs, ...Array.from({ length: limit.burst - 1 }, () => 0)];
      const before = allowedAt(limit, pausesMs).length;
      expect(allowedAt(limit, [...pausesMs, ...rest]).length - before).toBe(limit.burst);
    }),
  );
});

test('whoever is refused may after the time that was named, and not much sooner', () => {
  fc.assert(
    fc.property(limits, (limit) => {
      const asked = Array.from({ length: limit.burst }).reduce<TokenBucket | null>(
        (bucket) => tryTake(bucket, limit, 0).bucket,
        null,
      );
      const { bucket, waitMs } = tryTake(asked, limit, 0);
      expect(waitMs).toBeGreaterThan(0);
      expect(tryTake(bucket, limit, waitMs).waitMs).toBe(0);
      if (waitMs > 1) expect(tryTake(bucket, limit, waitMs - 2).waitMs).toBeGreaterThan(0);
    }),
  );
});

test('places that are reserved lie as far apart as the rate says, in the order in which they were asked for', () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 200 }), (limit, asked) => {
      let bucket: TokenBucket | null = null;
      const waits = Array.from({ length: limit.burst + asked }, () => {
        const taken = reserve(bucket, limit, 0);
        bucket = taken.bucket;
        return taken.waitMs;
      });
      expect(waits.slice(0, limit.burst)).toEqual(Array(limit.burst).fill(0));
      waits.slice(limit.burst).forEach((waitMs, position) => {
        expect(waitMs).toBe(Math.ceil(((position + 1) * MINUTE_MS) / limit.perMinute));
      });
    }),
  );
});

test('a clock that was put back gives nothing and takes nothing away', () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 86_400_000 }), (limit, backMs) => {
      const { bucket } = reserve({ tokens: 1, atMs: backMs }, limit, 0);
      expect(bucket).toEqual({ tokens: 0, atMs: 0 });
      expect(tryTake(bucket, limit, 0).waitMs).toBe(Math.ceil(MINUTE_MS / limit.perMinute));
    }),
  );
});
