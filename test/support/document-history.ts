import { canonicalBytes, type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { Move, Rollout } from '../../domain/evidence/statements.ts';
import { readBody } from '../../domain/kinds/document-bodies.ts';
import { documentKindOf } from '../../domain/kinds/documents.ts';
import type { EntryFate } from '../../domain/log/state.ts';
import { envelopeOf, sampleMove } from './sample-log.ts';

/** Where the entries and bodies of a test go. */
export interface HistoryPorts {
  environment: string;
  append(envelopes: readonly Envelope[]): Promise<EntryFate[]>;
  putBody(bytes: Uint8Array): Promise<unknown>;
}

/** Resource → body; null removes it. */
export type Bodies = Record<string, object | null>;

/** A change that may expose, withdraw and commit what it moves. */
export interface OpenChange {
  expose(rollout: Partial<Rollout>): Promise<void>;
  /** And ends it. */
  withdraw(): Promise<void>;
  commit(): Promise<void>;
}

/** Writes honoured changes of documents: entries signed by the roles of `sample-log.ts`, and bodies. */
export class DocumentHistory {
  readonly #ports: HistoryPorts;
  readonly #live = new Map<string, { digest: Digest | null; version: number }>();

  constructor(ports: HistoryPorts) {
    this.#ports = ports;
  }

  async make(changeId: string, bodies: Bodies): Promise<void> {
    await (await this.begin(changeId, bodies)).commit();
  }

  async begin(changeId: string, bodies: Bodies): Promise<OpenChange> {
    const { environment } = this.#ports;
    const moves = await Promise.all(Object.entries(bodies).map((one) => this.#moveOf(changeId, ...one)));
    const resources = moves.map(({ resource }) => resource);
    const requestDigest = await this.#put(`request of ${changeId}`);
    const plan = { environment, changeId, planDigest: await this.#put(`plan of ${changeId}`), zone: null };
    await this.#say(
      await envelopeOf('request', { environment, changeId, requestDigest, nonce: changeId, resources }),
      await envelopeOf('plan', { ...plan, requestDigest, resources }),
      await envelopeOf('intent', plan),
    );
    const commit = async (rollout: Rollout | null) =>
      this.#say(await envelopeOf('commit', { ...plan, moves, rollout }));
    return {
      expose: (rollout) => commit({ stage: 'a stage', percent: 0, zones: [], ...rollout }),
      withdraw: async () => {
        await commit({ stage: 'withdraw', percent: 0, zones: [] });
        await this.#say(await envelopeOf('end', { environment, changeId, status: 'rolled-back' }));
      },
      commit: async () => {
        await commit(null);
        for (const { resource, to } of moves) {
          this.#live.set(resource, { digest: to, version: this.#next(resource) });
        }
      },
    };
  }

  #next(resource: string): number {
    return (this.#live.get(resource)?.version ?? -1) + 1;
  }

  async #put(body: unknown): Promise<Digest> {
    const bytes = canonicalBytes(body);
    await this.#ports.putBody(bytes);
    return digestOfBytes(bytes);
  }

  async #moveOf(changeId: string, resource: string, body: object | null): Promise<Move> {
    const from = this.#live.get(resource)?.digest ?? null;
    const kind = documentKindOf(resource);
    if (body === null || kind === null) return sampleMove({ resource, from, to: null });
    const to = await this.#put(readBody(kind, body));
    const version = `1.${this.#next(resource)}.0`;
    const { environment } = this.#ports;
    const about = { environment, changeId, resource, version, digest: to, parent: from, vector: {} };
    const versionDigest = await this.#put(await envelopeOf('version', about));
    return sampleMove({ resource, from, to, version, versionDigest });
  }

  async #say(...envelopes: Envelope[]): Promise<void> {
    const fates = await this.#ports.append(envelopes);
    const lost = fates.find(({ fate }) => fate !== 'honoured');
    if (lost) throw new Error(`An entry was not honoured: ${JSON.stringify(lost)}`);
  }
}
