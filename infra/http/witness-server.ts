import type { IncomingMessage } from 'node:http';
import type { WitnessAnswer } from '../../activities/witness.ts';
import { type HttpService, readBody, startHttpService } from './http-service.ts';

/** Over any checkpoint with its proof: C2SP signed-note, as this product reads it, takes a megabyte. */
const MAX_BODY_BYTES = 1_100_000;
const TEXT = 'text/plain; charset=utf-8';

interface WitnessServerInput {
  host: string;
  port: number;
  addCheckpoint: (body: Uint8Array) => Promise<WitnessAnswer>;
  /** The last checkpoint cosigned, by the lower-case hex SHA-256 of its origin. */
  lastCosigned: (originHash: string) => Promise<Uint8Array | null>;
  onError: (error: unknown) => void;
}

/**
 * Serves a witness at its submission and monitoring prefix (C2SP tlog-witness): `POST /add-checkpoint` and
 * `GET /<origin hash>/checkpoint`. Port 0 picks a free one. What fails inside is told to `onError` and answered with
 * status 500.
 */
export function startWitnessServer(input: WitnessServerInput): Promise<HttpService> {
  return startHttpService(input, (request) =>
    route(request, input).catch((error: unknown): WitnessAnswer => {
      input.onError(error);
      return { status: 500, contentType: TEXT, body: 'The witness failed; its own log says why.\n' };
    }),
  );
}

async function route(
  request: IncomingMessage,
  { addCheckpoint, lastCosigned }: WitnessServerInput,
): Promise<WitnessAnswer> {
  if (request.method === 'POST' && request.url === '/add-checkpoint') {
    const body = await readBody(request, MAX_BODY_BYTES);
    return body
      ? addCheckpoint(body)
      : { status: 413, contentType: TEXT, body: 'The request is too large.\n' };
  }
  const originHash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(request.url ?? '')?.[1];
  const found = request.method === 'GET' && originHash ? await lastCosigned(originHash) : null;
  if (found) return { status: 200, contentType: TEXT, body: new TextDecoder().decode(found) };
  return { status: 404, contentType: TEXT, body: 'Not found.\n' };
}
