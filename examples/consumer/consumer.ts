import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ControlPlaneClient,
  type ControlPlaneClientOptions,
  createControlPlaneClient,
} from '../../client/sdk/index.ts';

/** What this service reads. */
const TIMEOUTS = 'config/payments/timeouts';
const TRADING = 'switch/trading';
/** Its work: one piece every so often. */
const WORK_MS = 10;

export interface ConsumerOptions extends ControlPlaneClientOptions {
  /** Every piece of work fails while it has this version of its timeouts: a bad config that only use shows. */
  unhealthyOn?: string | undefined;
  print(line: string): void;
}

/** A small payment service: works by its timeouts, stops while trading is switched off, says how it goes. */
export async function runConsumer(options: ConsumerOptions, signal: AbortSignal): Promise<void> {
  const { instanceId, print, unhealthyOn } = options;
  const say = (text: string) => print(`${instanceId}  ${text}`);
  const client = await createControlPlaneClient(options);
  say(`reads ${describe(client, TIMEOUTS)}`);
  say(`reads ${describe(client, TRADING)}`);
  for (const resource of [TIMEOUTS, TRADING]) {
    client.watch(resource, ({ before }) => {
      say(`${before?.version ?? 'nothing'} → ${describe(client, resource)}`);
    });
  }
  let freshness = 'fresh';
  for await (const _ of everySoOften(signal)) {
    const status = client.status();
    if (status.state !== freshness) {
      freshness = status.state;
      say(
        freshness === 'fresh'
          ? 'is fresh'
          : `is stale since ${status.lastVerifiedAt}: ${status.reason?.message}`,
      );
    }
    if (isTradingOff(client)) continue;
    const isBad = unhealthyOn !== undefined && client.get(TIMEOUTS)?.version === unhealthyOn;
    client.report({ ok: !isBad, latencyMs: WORK_MS });
  }
  await client.close();
}

/** A switch that was never made stops nobody; `isEngaged` would refuse to guess. */
function isTradingOff(client: ControlPlaneClient): boolean {
  return client.get(TRADING) !== undefined && client.isEngaged('trading');
}

function describe(client: ControlPlaneClient, resource: string): string {
  const document = client.get(resource);
  if (!document) return `${resource} nothing`;
  const said = resource === TRADING ? { engaged: isTradingOff(client) } : document.value;
  return `${resource} ${document.version} (${document.arm}) ${JSON.stringify(said)}`;
}

async function* everySoOften(signal: AbortSignal): AsyncGenerator<void> {
  while (!signal.aborted) {
    yield;
    // Aborted: the loop ends.
    await sleep(WORK_MS, undefined, { signal }).catch(() => {});
  }
}
