import { planDocuments } from '../activities/documents/plan-documents.ts';
import type { PlannedAtTarget, PlanningPorts } from '../activities/planned.ts';
import { type ChangeRequest, parseChangeRequest } from '../domain/change/request.ts';
import { canonicalBytes, type Digest, digestOf, digestOfBytes } from '../domain/evidence/canonical-json.ts';
import { readBody, referencesIn } from '../domain/kinds/document-bodies.ts';
import { documentKindOf } from '../domain/kinds/documents.ts';
import { emptyLogState, type LogState } from '../domain/log/state.ts';
import { ENVIRONMENT, signedTrust } from '../test/support/sample-log.ts';
import { nowMs } from './aws-calls.ts';
import { type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import { median } from './statistics.ts';

const CONFIGS = 10_000;
const LIMIT_MS = 200;
const ROUNDS = 11;
/** Services that read one document, over one shared layer. */
const SERVICES_A_DOCUMENT = 100;

/**
 * What a voter does about a change before it signs: plan it, judge its causality and its invariants, among 10,000 live
 * configs. Bodies come from memory: how many are read is what counts, each of them is an object in S3.
 */
export async function measurePlans(run: Run): Promise<Measured> {
  const scene = new PlanScene(CONFIGS);
  const figures: Measured['figures'] = {};
  for (const what of ['a config', 'a layer'] as const) {
    const request = scene.request(what);
    const tookMs: number[] = [];
    for (let round = 0; round <= roundsOf(run, ROUNDS); round += 1) {
      scene.read = 0;
      const startMs = nowMs();
      await scene.plan(request);
      if (round > 0) tookMs.push(nowMs() - startMs);
    }
    figures[`plan of ${what} among ${CONFIGS}, ms`] = median(tookMs);
    figures[`plan of ${what} among ${CONFIGS}, bodies read`] = scene.read;
  }
  return {
    findings: [
      {
        name: `9 plan of a config among ${CONFIGS} / ${LIMIT_MS} ms`,
        ratio: (figures[`plan of a config among ${CONFIGS}, ms`] ?? Number.NaN) / LIMIT_MS,
        bound: 'max',
        target: 1,
      },
    ],
    figures,
  };
}

/** An environment in which many configs are live, each held against the schema of its document. */
export class PlanScene {
  readonly state: LogState = emptyLogState(ENVIRONMENT, signedTrust());
  readonly stored = new Map<Digest, Uint8Array>();
  /** How many bodies were read. */
  read = 0;

  constructor(configs: number) {
    for (let i = 0; i < configs; i += 1) {
      const document = `document-${Math.floor(i / SERVICES_A_DOCUMENT)}`;
      const schema = `schema/${document}@^1`;
      if (i % SERVICES_A_DOCUMENT === 0) {
        const properties = { readMs: { type: 'integer' }, writeMs: { type: 'integer' } };
        this.#add(`schema/${document}`, { title: document, type: 'object', properties });
        this.#add(`config/_global/${document}`, { schema, value: { writeMs: i } });
      }
      this.#add(`config/service-${i}/${document}`, { schema, value: { readMs: i } });
    }
  }

  /** The first service's config, or the layer under it, gets another value. */
  request(what: 'a config' | 'a layer'): ChangeRequest {
    const scope = what === 'a config' ? 'service-0' : '_global';
    const value = what === 'a config' ? { readMs: 1_000_000 } : { writeMs: 1_000_000 };
    return parseChangeRequest({
      apiVersion: 'resilience-ctl/v1',
      kind: 'ChangeRequest',
      metadata: { environment: ENVIRONMENT, reason: 'Measure a plan' },
      spec: {
        operations: [{ set: `config/${scope}/document-0`, body: { schema: 'schema/document-0@^1', value } }],
        rollout: { strategy: 'consumers', stages: [10, 100] },
      },
    });
  }

  /** Throws when anything is refused. */
  async plan(request: ChangeRequest): Promise<void> {
    const bodies = { get: async (digest: Digest) => this.#body(digest) };
    const ports = { bodies, environment: ENVIRONMENT } as PlanningPorts;
    const change = { changeId: 'change', request, requestDigest: digestOf(request) };
    const planned: PlannedAtTarget = await planDocuments(ports, change, this.state);
    const refused = [
      ...planned.violations,
      ...(planned.plan === null ? [] : [...planned.judgeCausality(), ...planned.judgeInvariants(0)]),
    ];
    if (planned.plan === null || refused.length > 0) throw new Error(JSON.stringify(refused));
  }

  #body(digest: Digest): Uint8Array {
    const bytes = this.stored.get(digest);
    if (!bytes) throw new Error(`There is no body ${digest}.`);
    this.read += 1;
    return bytes;
  }

  #add(resource: string, raw: object): void {
    const kind = documentKindOf(resource);
    if (kind === null) throw new Error(`${resource} is no document.`);
    const bytes = canonicalBytes(readBody(kind, raw));
    const digest = digestOfBytes(bytes);
    this.stored.set(digest, bytes);
    this.state.live[resource] = {
      ...{ digest, version: '1.0.0', versionDigest: null, parent: null, clock: 1, vector: {} },
      ...{ dependsOn: referencesIn(kind, raw), changeId: 'change-0', index: 1, canary: null },
    };
  }
}
