import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpService {
  url: string;
  close(): Promise<void>;
}

export interface HttpAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** Serves on one address; port 0 picks a free one. `route` answers everything, its own failures included. */
export async function startHttpService(
  address: { host: string; port: number },
  route: (request: IncomingMessage) => Promise<HttpAnswer>,
): Promise<HttpService> {
  const server = createServer((request, response) => {
    void route(request).then(({ status, contentType, body }) =>
      response.writeHead(status, { 'content-type': contentType }).end(body),
    );
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host}:${port}`,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

/** Null when it has more than so many bytes; what is over the limit is read and dropped. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
  }
  return length <= maxBytes ? Buffer.concat(chunks) : null;
}
