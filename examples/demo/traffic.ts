import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import type { RecordSet } from '../../domain/kinds/dns-records.ts';

const PAUSE_MS = 4;
/** How stale this client's resolver may be; real ones hold an answer for its TTL. */
const RESOLVE_MS = 100;
/** Spreads picks evenly, so that a share of 1 % shows within a few hundred requests. */
const GOLDEN_RATIO = 0.618_033_988_749_894_9;

export interface Count {
  requests: number;
  errors: number;
  byAddress: Record<string, number>;
}

/** A client of the API: resolves its name by the zone's live weights, as a resolver would, and asks. */
export class Traffic {
  readonly #dns: DnsZones;
  readonly #zone: string;
  readonly #name: string;
  readonly #port: number;
  #count: Count = emptyCount();
  #running = true;
  #loop: Promise<void>;

  constructor(dns: DnsZones, target: { zone: string; name: string; port: number }) {
    this.#dns = dns;
    this.#zone = target.zone;
    this.#name = target.name;
    this.#port = target.port;
    this.#loop = this.#run();
  }

  /** What happened since the last call. */
  take(): Count {
    const count = this.#count;
    this.#count = emptyCount();
    return count;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #run(): Promise<void> {
    let sets: RecordSet[] = [];
    let resolvedMs = Number.NEGATIVE_INFINITY;
    for (let pick = 1; this.#running; pick += 1) {
      if (performance.now() - resolvedMs > RESOLVE_MS) {
        const { recordSets } = await this.#dns.readZone(this.#zone);
        sets = recordSets.filter((set) => set.name === this.#name && set.type === 'A');
        resolvedMs = performance.now();
      }
      const address = choose(sets, (pick * GOLDEN_RATIO) % 1);
      if (address !== undefined) this.#record(address, await ask(address, this.#port));
      await sleep(PAUSE_MS);
    }
  }

  #record(address: string, ok: boolean): void {
    this.#count.requests += 1;
    if (!ok) this.#count.errors += 1;
    this.#count.byAddress[address] = (this.#count.byAddress[address] ?? 0) + 1;
  }
}

function emptyCount(): Count {
  return { requests: 0, errors: 0, byAddress: {} };
}

/** `point` in 0–1 falls to a record set by its weight, then to one of its values. */
function choose(sets: readonly RecordSet[], point: number): string | undefined {
  const weightOf = (set: RecordSet) => set.weight ?? 1;
  const total = sets.reduce((sum, set) => sum + weightOf(set), 0);
  let rest = point * total;
  for (const set of sets) {
    if (rest < weightOf(set)) return set.values[Math.floor((rest / weightOf(set)) * set.values.length)];
    rest -= weightOf(set);
  }
  return undefined;
}

function ask(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: address, port, path: '/', agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
      response.on('error', () => resolve(false));
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
  });
}
