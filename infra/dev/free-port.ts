import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * A loopback TCP port that nothing listens on now. It lies below the range from which the system takes ports
 * for outgoing connections, so that none takes it while a server that was killed is being started again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(18_000, 30_000);
    if (await canListen(port)) return port;
  }
  throw new Error('No free port between 18000 and 30000 on 127.0.0.1. End what listens there and try again.');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
