import { z } from 'zod';
import type { FactorVerifier } from '../../activities/ports/factor-verifier.ts';
import { DomainError, type ErrorCode, isErrorCode, PortError, type Violation } from '../../domain/errors.ts';
import { isDigest } from '../../domain/evidence/canonical-json.ts';
import { envelopeSchema } from '../../domain/evidence/predicate-schemas.ts';

/** Hashing a recovery code takes a moment on a busy machine. */
const TIMEOUT_MS = 10_000;

const code = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));
const violation: z.ZodType<Violation> = z.strictObject({
  code,
  rule: z.string(),
  path: z.exactOptional(z.string()),
  message: z.string(),
  remedy: z.string(),
});
const problemSchema = z.object({
  code,
  detail: z.string(),
  next: z.string().nullable(),
  violations: z.array(violation),
});
const mfaSchema = z.strictObject({ mfa: envelopeSchema });
const commitmentSchema = z.strictObject({
  commitment: z.custom<`sha256:${string}`>((value) => isDigest(value)),
});

/** The factor-verifier at an address, such as `http://127.0.0.1:7390`. */
export function createHttpFactorVerifier(url: string): FactorVerifier {
  return {
    check: async (request) => (await post(`${url}/second-factor`, request, mfaSchema)).mfa,
    enrol: async (signed) => (await post(`${url}/factors`, signed, commitmentSchema)).commitment,
  };
}

async function post<T>(url: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
  const { ok, answer } = await send(url, body);
  const parsed = ok ? schema.safeParse(answer) : null;
  if (parsed?.success) return parsed.data;
  const problem = problemSchema.safeParse(answer);
  if (!problem.success) throw unavailable(url, 'its answer is not understood');
  const { code, detail, next, violations } = problem.data;
  throw new DomainError(code, detail, { ...(next === null ? {} : { next }), violations });
}

async function send(url: string, body: unknown): Promise<{ ok: boolean; answer: unknown }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { ok: response.ok, answer: await response.json() };
  } catch (error) {
    throw unavailable(url, error instanceof Error ? error.message : String(error), error);
  }
}

function unavailable(url: string, why: string, cause?: unknown): PortError {
  return new PortError(
    'FACTOR_VERIFIER_UNAVAILABLE',
    `The factor-verifier at ${url} does not answer: ${why}. Nothing was sent on.`,
    {
      next: 'Check that it runs, then try again with a fresh code; without it nobody can prove a second factor.',
    },
    cause,
  );
}
