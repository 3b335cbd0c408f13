import type { ControlPlaneClient } from '../client/sdk/index.ts';
import { nowMs } from './aws-calls.ts';
import { median, quantile } from './statistics.ts';

export interface GetRates {
  getPerSecond: number;
  mapPerSecond: number;
  /** 1 is as fast as the plain `Map`. */
  ratio: number;
}

const LOOKUPS = 2_000_000;

/** `get` against a look-up in a plain `Map` of the same values, interleaved, median of the rounds. */
export function benchGet(
  client: Pick<ControlPlaneClient, 'get'>,
  resources: readonly string[],
  rounds = 7,
): GetRates {
  const plain = new Map(resources.map((resource) => [resource, client.get(resource)]));
  const rates = { sdk: [] as number[], map: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    rates.map.push(perSecond(resources, (resource) => plain.get(resource)));
    rates.sdk.push(perSecond(resources, (resource) => client.get(resource)));
  }
  const [getPerSecond, mapPerSecond] = [median(rates.sdk), median(rates.map)];
  return { getPerSecond, mapPerSecond, ratio: getPerSecond / mapPerSecond };
}

/**
 * From the moment a switch's commit is in the log until a watching reader has it. `flip` makes the change and returns
 * that moment (`nowMs`); it is told how the switch should be.
 */
export async function benchEngage(
  client: Pick<ControlPlaneClient, 'watch'>,
  resource: `switch/${string}`,
  flip: (engaged: boolean) => Promise<number>,
  rounds: number,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const seen = Promise.withResolvers<number>();
    const end = client.watch(resource, () => seen.resolve(nowMs()));
    const committedMs = await flip(round % 2 === 0);
    tookMs.push((await seen.promise) - committedMs);
    end();
  }
  return { p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) };
}

function perSecond(resources: readonly string[], lookUp: (resource: string) => unknown): number {
  let found = 0;
  const startMs = nowMs();
  for (let i = 0; i < LOOKUPS; i += 1) {
    if (lookUp(resources[i % resources.length] ?? '') !== undefined) found += 1;
  }
  const tookMs = nowMs() - startMs;
  if (found !== LOOKUPS) throw new Error(`${LOOKUPS - found} look-ups found nothing: nothing was measured.`);
  return (1000 * LOOKUPS) / tookMs;
}
