import type { ConsumerReportWriter } from '../../activities/ports/consumer-reports.ts';
import { DomainError } from '../../domain/errors.ts';
import { layersOf, type MergedConfig, mergeLayers } from '../../domain/kinds/config-layers.ts';
import { stops } from '../../domain/kinds/switch-reach.ts';
import type { LastGood } from '../../infra/files/file-last-good.ts';
import type { ControlPlaneClient, DocumentMove, LiveDocument } from './control-plane-client.ts';
import { Follower, type FollowerPorts, type FollowerSettings } from './follower.ts';
import { HealthWindow } from './health.ts';
import { deepFreeze, type Exposure, movedBetween, type View } from './view.ts';

export interface ClientPorts extends FollowerPorts {
  reports: ConsumerReportWriter;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls once after so long; returns what prevents it. */
  after(ms: number, call: () => void): () => void;
  /** Closes connections. */
  release(): void;
}

export interface ClientSettings extends FollowerSettings {
  consumer: FollowerSettings['consumer'] & { service: string };
  reportIntervalMs: number;
}

/** With a copy to serve, a start waits for the log only so long. */
const START_WAIT_MS = 2_000;
/** Jitter: a wait is this part of the interval at least, and at most with the second added: the rest is for reading. */
const [SHORTEST_WAIT, JITTER] = [0.5, 0.3];
const MAX_MERGED = 1_000;

type Listener = (move: DocumentMove) => void;

/** See `createControlPlaneClient`, which wires it. `kept` is the copy on disk, if there is one. */
export async function startControlPlaneClient(
  ports: ClientPorts,
  settings: ClientSettings,
  kept: LastGood | null,
): Promise<ControlPlaneClient> {
  const client = new Client(ports, settings);
  await client.start(kept);
  return client;
}

class Client implements ControlPlaneClient {
  readonly #ports: ClientPorts;
  readonly #settings: ClientSettings;
  readonly #follower: Follower;
  readonly #health: HealthWindow;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #merged = new Map<string, Readonly<MergedConfig> | undefined>();
  readonly #timers = new Map<'poll' | 'report', () => void>();
  #documents: View['documents'] = new Map();
  #exposures: readonly Exposure[] = [];
  #isClosed = false;

  constructor(ports: ClientPorts, settings: ClientSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#health = new HealthWindow(ports.nowMs());
    this.#follower = new Follower(ports, settings, (before, after) => this.#apply(before, after));
  }

  async start(kept: LastGood | null): Promise<void> {
    if (kept) await this.#follower.restore(kept);
    const first = this.#follower.poll();
    if (this.#follower.view === null) await first;
    else await this.#atMost(START_WAIT_MS, first);
    if (this.#follower.view === null) throw this.#follower.failure;
    void first.then(() => this.#pollLater());
    this.#reportLater();
  }

  get<R extends string>(resource: R): LiveDocument<R> | undefined {
    // A document's value is of the kind that its resource's name says: `readBody` has checked it.
    return this.#documents.get(resource) as LiveDocument<R> | undefined;
  }

  getEffective(
    service: string,
    document: string,
    { tenant }: { tenant?: string } = {},
  ): Readonly<MergedConfig> | undefined {
    const key = JSON.stringify([service, document, tenant]);
    if (!this.#merged.has(key)) {
      if (this.#merged.size >= MAX_MERGED) this.#merged.clear();
      this.#merged.set(key, this.#merge(layersOf(service, document, tenant)));
    }
    return this.#merged.get(key);
  }

  watch<R extends string>(resource: R, listener: (move: DocumentMove<R>) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners);
    const own: Listener = (move) => listener(move as DocumentMove<R>);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  isEngaged(name: string, { tenant }: { tenant?: string } = {}): boolean {
    const found = this.get(`switch/${name}`);
    if (!found) {
      throw new DomainError('NOT_FOUND', `There is no switch ${name}.`, {
        next: 'Check the name; `get` tells whether a switch is there.',
      });
    }
    return stops(found.value, { ...this.#settings.consumer, tenant }, this.#ports.nowMs());
  }

  arm(resource: string) {
    return this.#exposures.find((one) => one.resource === resource)?.arm ?? 'stable';
  }

  status() {
    return this.#follower.status();
  }

  report(sample: { ok: boolean; latencyMs: number }): void {
    this.#health.add(sample);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers.values()) cancel();
    await this.#sendReports();
    this.#ports.release();
  }

  #merge(resources: readonly string[]): Readonly<MergedConfig> | undefined {
    const layers = resources.flatMap((resource) => {
      const value = this.get(resource)?.value;
      return value ? [{ resource, value }] : [];
    });
    return layers.length === 0 ? undefined : deepFreeze(mergeLayers(layers));
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#ports.after(ms, resolve);
    await Promise.race([work, promise]);
    cancel();
  }

  #pollLater(): void {
    const { pollIntervalMs } = this.#settings;
    this.#later('poll', pollIntervalMs * (SHORTEST_WAIT + JITTER * this.#ports.random()), async () => {
      await this.#follower.poll();
      this.#pollLater();
    });
  }

  #reportLater(): void {
    this.#later('report', this.#settings.reportIntervalMs, async () => {
      await this.#sendReports();
      this.#reportLater();
    });
  }

  /** What is done never rejects. */
  #later(what: 'poll' | 'report', ms: number, act: () => Promise<void>): void {
    if (!this.#isClosed)
      this.#timers.set(
        what,
        this.#ports.after(ms, () => void act()),
      );
  }

  #apply(before: View | null, after: View): void {
    if (this.#isClosed) return;
    // The samples until now were lived through with what was exposed until now.
    if (JSON.stringify(before?.exposures) !== JSON.stringify(after.exposures)) void this.#sendReports();
    this.#documents = after.documents;
    this.#exposures = after.exposures;
    this.#merged.clear();
    for (const resource of movedBetween(before, after)) {
      const move = {
        resource,
        before: before?.documents.get(resource),
        after: after.documents.get(resource),
      };
      for (const listener of this.#listeners.get(resource) ?? []) this.#tell(listener, move);
    }
  }

  /** One listener's defect must keep neither the others nor the next reading from happening. */
  #tell(listener: Listener, move: DocumentMove): void {
    try {
      listener(move);
    } catch (error) {
      this.#follower.warn('listener', error);
    }
  }

  /** Ends the window and reports it for every resource that was exposed meanwhile. Never rejects. */
  async #sendReports(): Promise<void> {
    const exposures = this.#exposures;
    const window = this.#health.cut(this.#ports.nowMs());
    if (window === null || exposures.length === 0) return;
    const { environment, consumer } = this.#settings;
    const { instanceId, zone } = consumer;
    try {
      await Promise.all(
        exposures.map((exposure) =>
          this.#ports.reports.write({ environment, instanceId, zone, ...exposure, ...window }),
        ),
      );
      this.#follower.wentWell('report');
    } catch (error) {
      this.#follower.warn('report', error);
    }
  }
}
