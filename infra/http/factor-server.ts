import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { FactorRequest, FactorVerifier } from '../../activities/ports/factor-verifier.ts';
import { DomainError, ERROR_KINDS, violationsOf } from '../../domain/errors.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { envelopeSchema } from '../../domain/evidence/predicate-schemas.ts';
import { type HttpAnswer, type HttpService, readBody, startHttpService } from './http-service.ts';

/** Of a signed approval or override, with a code. */
const MAX_BODY_BYTES = 32_768;

export const factorRequestSchema: z.ZodType<FactorRequest> = z.strictObject({
  person: z.string(),
  signed: envelopeSchema,
  code: z.string().max(64),
});

interface FactorServerInput {
  host: string;
  port: number;
  verifier: FactorVerifier;
  onError: (error: unknown) => void;
  /** Who tries whose codes is for its own log to tell. */
  onRefusal: (refusal: DomainError) => void;
}

/**
 * Serves a factor-verifier: `POST /second-factor` takes `{person, signed, code}` and answers `{mfa}`; `POST /factors`
 * takes an enrolment's envelope and answers `{commitment}`. A refusal is a problem of RFC 9457 with `code` and
 * `violations`. What fails inside is told to `onError`. It speaks HTTP: keep it on loopback, or behind TLS.
 */
export function startFactorServer(input: FactorServerInput): Promise<HttpService> {
  return startHttpService(input, (request) =>
    route(request, input.verifier).catch((error: unknown) => {
      if (error instanceof DomainError) {
        input.onRefusal(error);
        return problem(error);
      }
      input.onError(error);
      return problem(
        new DomainError('FACTOR_VERIFIER_UNAVAILABLE', 'The factor-verifier failed.', {
          next: 'Its own log says why.',
        }),
      );
    }),
  );
}

async function route(request: IncomingMessage, verifier: FactorVerifier): Promise<HttpAnswer> {
  if (request.method === 'POST' && request.url === '/second-factor') {
    return json({ mfa: await verifier.check(await read(request, factorRequestSchema)) });
  }
  if (request.method === 'POST' && request.url === '/factors') {
    return json({ commitment: await verifier.enrol(await read<Envelope>(request, envelopeSchema)) });
  }
  throw new DomainError('NOT_FOUND', 'There is no such resource.', { next: 'POST to /second-factor.' });
}

async function read<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const body = await readBody(request, MAX_BODY_BYTES);
  const parsed = schema.safeParse(body === null ? undefined : parseJson(body));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `The request is not understood:\n${z.prettifyError(parsed.error)}`,
    {
      next: 'Send it with the client of this version.',
    },
  );
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function json(value: unknown): HttpAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value) };
}

function problem(error: DomainError): HttpAnswer {
  const { kind, code, message, details } = error;
  const status = ERROR_KINDS[kind].httpStatus;
  const body = JSON.stringify({
    ...{ type: 'about:blank', title: code, status, detail: message, code, next: details.next ?? null },
    violations: violationsOf(error),
  });
  return { status, contentType: 'application/problem+json', body };
}
