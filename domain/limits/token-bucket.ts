/** How often one person may ask: a steady rate, and how many at once after a pause. */
export interface RateLimit {
  perMinute: number;
  burst: number;
}

/** What is left at a time. Below zero: places that are given away already, to whoever waits for them. */
export interface TokenBucket {
  tokens: number;
  atMs: number;
}

export interface Taken {
  bucket: TokenBucket;
  /** Until a token is there; 0 when it was there. */
  waitMs: number;
}

const MINUTE_MS = 60_000;

/** Takes a token if one is there; else takes none and says how long until there is. `bucket` is null at first: full. */
export function tryTake(bucket: TokenBucket | null, limit: RateLimit, nowMs: number): Taken {
  const filled = refill(bucket, limit, nowMs);
  const waitMs = waitOf(filled.tokens, limit);
  return waitMs > 0 ? { bucket: filled, waitMs } : { bucket: spend(filled), waitMs: 0 };
}

/**
 * Takes a token even when none is there, and says when the one that it took will be: who waits that long need not ask
 * again, and who comes later waits longer.
 */
export function reserve(bucket: TokenBucket | null, limit: RateLimit, nowMs: number): Taken {
  const filled = refill(bucket, limit, nowMs);
  return { bucket: spend(filled), waitMs: waitOf(filled.tokens, limit) };
}

function refill(bucket: TokenBucket | null, { perMinute, burst }: RateLimit, nowMs: number): TokenBucket {
  if (bucket === null) return { tokens: burst, atMs: nowMs };
  // A clock that was put back gives nothing, and keeps nobody waiting until it is where it was.
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  return { tokens: Math.min(burst, bucket.tokens + (elapsedMs * perMinute) / MINUTE_MS), atMs: nowMs };
}

function spend({ tokens, atMs }: TokenBucket): TokenBucket {
  return { tokens: tokens - 1, atMs };
}

/** Rounded up: whoever waits so long finds a whole token, whatever floating point made of the refill. */
function waitOf(tokens: number, { perMinute }: RateLimit): number {
  return tokens >= 1 - TOLERANCE ? 0 : Math.ceil(((1 - tokens) * MINUTE_MS) / perMinute);
}

/** Far above the rounding error of a refill, far below what lets anybody ask once more. */
const TOLERANCE = 1e-6;
