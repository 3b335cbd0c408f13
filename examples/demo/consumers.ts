import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ControlPlaneClient,
  type ControlPlaneClientOptions,
  createControlPlaneClient,
} from '../../client/sdk/index.ts';

export interface FleetOptions {
  /** What the local environment hands to its consumers: where to read, and whom to trust. */
  consumerFile: string;
  /** Each instance keeps its last-good copy in a folder of its own in here. */
  dir: string;
  instances: number;
  /** Instances are spread over them evenly. */
  zones: readonly string[];
  /** Whether the work of an instance fails with what it has applied. */
  isBroken(client: ControlPlaneClient): boolean;
  pollIntervalMs: number;
  reportIntervalMs: number;
}

const WORK_INTERVAL_MS = 20;

/** Many small instances of the service `payments` in one process: each follows the log and reports how it fares. */
export class Fleet {
  readonly clients: readonly ControlPlaneClient[];
  readonly #work: NodeJS.Timeout;

  private constructor(clients: readonly ControlPlaneClient[], isBroken: FleetOptions['isBroken']) {
    this.clients = clients;
    this.#work = setInterval(() => {
      for (const client of clients) client.report({ ok: !isBroken(client), latencyMs: 5 });
    }, WORK_INTERVAL_MS);
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { consumerFile, dir, instances, zones, isBroken, pollIntervalMs, reportIntervalMs } = options;
    const installation: Pick<ControlPlaneClientOptions, 'environment' | 'aws' | 'trustFile' | 'trustDigest'> =
      JSON.parse(readFileSync(consumerFile, 'utf8'));
    const starting = Array.from({ length: instances }, (_, i) =>
      createControlPlaneClient({
        ...installation,
        service: 'payments',
        instanceId: `payments-${i}`,
        zone: zones[i % zones.length] ?? '',
        dir: join(dir, `payments-${i}`),
        pollIntervalMs,
        reportIntervalMs,
      }),
    );
    return new Fleet(await Promise.all(starting), isBroken);
  }

  /** How many instances have applied this version of a resource. */
  having(resource: string, version: string): number {
    return this.clients.filter((client) => client.get(resource)?.version === version).length;
  }

  async stop(): Promise<void> {
    clearInterval(this.#work);
    await Promise.all(this.clients.map((client) => client.close()));
  }
}
