import { createServer, type Server } from 'node:http';

export interface Service {
  address: string;
  version: string;
  stop(): Promise<void>;
}

/** One version of the small API, on its own loopback address. `healthy` false: it answers, with errors. */
export async function startService(
  version: string,
  address: string,
  port: number,
  healthy = true,
): Promise<Service> {
  const server = createServer((_request, response) => {
    response.writeHead(healthy ? 200 : 500, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify({ version, healthy }));
  });
  await listen(server, port, address);
  return {
    address,
    version,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const hint = process.platform === 'darwin' ? ` Run \`sudo ifconfig lo0 alias ${address}\` once.` : '';
      reject(new Error(`The demo needs ${address}:${port} on loopback: ${error.message}.${hint}`));
    });
    server.listen(port, address, () => resolve());
  });
}
