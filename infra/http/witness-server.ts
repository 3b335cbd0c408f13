import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WitnessAnswer } from '../../activities/witness.ts';

/** Over any checkpoint with its proof: C2SP signed-note, as this product reads it, takes a megabyte. */
const MAX_BODY_BYTES = 1_100_000;
const TEXT = 'text/plain; charset=utf-8';

export interface WitnessServer {
  /** Its submission and monitoring prefix (C2SP tlog-witness). */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves a witness: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`. Port 0 picks a free one. What fails
 * inside is told to `onError` and answered with status 500.
 */
export async function startWitnessServer(input: {
  host: string;
  port: number;
  addCheckpoint: (body: Uint8Array) => Promise<WitnessAnswer>;
  /** The last checkpoint cosigned, by the lower-case hex SHA-256 of its origin. */
  lastCosigned: (originHash: string) => Promise<Uint8Array | null>;
  onError: (error: unknown) => void;
}): Promise<WitnessServer> {
  const server = createServer((request, response) => {
    void route(request, input)
      .catch((error: unknown): WitnessAnswer => {
        input.onError(error);
        return { status: 500, contentType: TEXT, body: 'The witness failed; its own log says why.\n' };
      })
      .then((answer) => send(response, answer));
  });
  server.listen(input.port, input.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${input.host}:${port}`,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

async function route(
  request: IncomingMessage,
  { addCheckpoint, lastCosigned }: Parameters<typeof startWitnessServer>[0],
): Promise<WitnessAnswer> {
  if (request.method === 'POST' && request.url === '/add-checkpoint') {
    const body = await readBody(request);
    return body
      ? addCheckpoint(body)
      : { status: 413, contentType: TEXT, body: 'The request is too large.\n' };
  }
  const originHash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(request.url ?? '')?.[1];
  const found = request.method === 'GET' && originHash ? await lastCosigned(originHash) : null;
  if (found) return { status: 200, contentType: TEXT, body: new TextDecoder().decode(found) };
  return { status: 404, contentType: TEXT, body: 'Not found.\n' };
}

/** Null when it is too large; what is over the limit is read and dropped. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks) : null;
}

function send(response: ServerResponse, { status, contentType, body }: WitnessAnswer): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
