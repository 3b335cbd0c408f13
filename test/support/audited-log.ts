import type { EvidenceSource } from '../../client/audit/evidence-source.ts';
import { type ExportFolder, writeExport } from '../../client/audit/write-export.ts';
import { buildPlan } from '../../domain/change/build-plan.ts';
import { type DnsPlan, inverseDigestOf, type Plan } from '../../domain/change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestOf,
  digestOfBytes,
} from '../../domain/evidence/canonical-json.ts';
import { describeRequest } from '../../domain/evidence/describe-request.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import {
  decodeManifest,
  EXPORT_FILES,
  type ExportManifest,
  encodeManifest,
  pinsOf,
} from '../../domain/evidence/export-layout.ts';
import type { Predicates } from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { ExportReader } from '../../domain/evidence/verify-export.ts';
import type { RecordSet, ZoneState } from '../../domain/kinds/dns-records.ts';
import { cosignNote, formatCheckpoint, logOrigin, signNote } from '../../domain/log/checkpoint.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import { encodeNote } from '../../domain/log/signed-note.ts';
import { EMPTY_EDGE, edgeRoot, growTree, partialFiles } from '../../domain/log/tree-edge.ts';
import { permissionsInForce } from '../../domain/permissions/in-force.ts';
import { sealTrustDocument } from '../../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { noteSigner } from './note-keys.ts';
import {
  API,
  AT,
  acceptance,
  ENVIRONMENT,
  envelopeOf,
  type PlainType,
  signedTrust,
  signerOf,
  ZONE,
} from './sample-log.ts';

/** A log with real signatures over real plans, as the product writes it, for an auditor to verify and a test to break. */

export const NOW_MS = Date.parse(AT) + 60_000;
export const GOOD = 'chg-good';
export const BAD = 'chg-bad';

export const trust: TrustDocument = {
  ...signedTrust(),
  policy: { ...signedTrust().policy, probeAllowList: ['192.0.2.0/24'] },
};

const log = noteSigner('ed25519', logOrigin(ENVIRONMENT), 'the log');
const witness = noteSigner('cosignature/v1', 'witness.example/w1', 'the witness');

export const pins = pinsOf(ENVIRONMENT, digestOf(trust), { log: log.key, witnesses: [witness.key] });

function addressSet(label: string, value: string): RecordSet {
  return { name: `${label}.${ZONE}`, type: 'A', ttlSeconds: 1, values: [value] };
}

/** The zone with its api at this address. */
function zoneWith(api: string, fence: string | null): ZoneState {
  const others = ['web', 'shop', 'auth', 'docs', 'db', 'cache'].map((label) =>
    addressSet(label, '192.0.2.1'),
  );
  return { zone: ZONE, fence, recordSets: [addressSet('api', api), ...others], opaque: [] };
}

function requestTo(api: string): ChangeRequest {
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: ENVIRONMENT, reason: 'move the api to new machines' },
    spec: {
      operations: [{ set: API, body: { ttl: 1, values: [api] } }],
      rollout: {
        stages: [50, 100],
        bakeSeconds: 0,
        minimumSamples: 5,
        probe: { port: 80, host: `api.${ZONE}` },
      },
    },
  });
}

const arm = (errors: number) => ({
  samples: 20,
  errors,
  resolvedSamples: 10,
  resolvedErrors: 0,
  latencyP50Ms: 1,
  latencyP99Ms: 2,
});

/** Writes one change after another, each entry as its role would. */
export class LogWriter {
  readonly entries: Uint8Array[] = [];
  readonly bodies = new Map<Digest, Uint8Array>();
  readonly fold = createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });

  async append(envelope: Envelope): Promise<number> {
    return this.appendBytes(encodeEntry(envelope));
  }

  appendBytes(bytes: Uint8Array): number {
    this.entries.push(bytes);
    return this.fold.apply(bytes).index;
  }

  async say<T extends PlainType>(type: T, about: Partial<Predicates[T]>): Promise<number> {
    return this.append(await envelopeOf(type, about));
  }

  put(body: unknown): Digest {
    const digest = digestOf(body);
    this.bodies.set(digest, canonicalBytes(body));
    return digest;
  }

  async begin(): Promise<void> {
    await this.say('trust', { document: trust });
  }

  /** Request and plan. */
  async plan(changeId: string, from: string, to: string, fence: string | null): Promise<DnsPlan> {
    const request = requestTo(to);
    const requestDigest = this.put(request);
    await this.say('request', { changeId, requestDigest, nonce: changeId, ...describeRequest(request) });
    const zone = zoneWith(from, fence);
    const { live } = this.fold.state;
    const { plan, violations } = buildPlan({
      ...{ changeId, environment: ENVIRONMENT, request, requestDigest, zone, live },
      policy: trust.policy,
      zones: [ZONE],
      permissions: permissionsInForce(live, trust),
    });
    if (plan === null || violations.length > 0) throw new Error(JSON.stringify(violations));
    const planDigest = this.put(plan);
    const readingDigest = this.put(zone);
    const logSize = this.fold.state.size;
    const { risk } = plan;
    await this.say('plan', {
      changeId,
      requestDigest,
      planDigest,
      readingDigest,
      logSize,
      riskClass: risk.class,
    });
    return plan;
  }

  async vote(plan: Plan, voterZone: string, change: Partial<Predicates['vote']> = {}): Promise<number> {
    const { changeId } = plan;
    const envelope = await envelopeOf(
      'vote',
      { changeId, planDigest: digestOf(plan), voter: `voter.${voterZone}`, voterZone, round: 1, ...change },
      `voter.${voterZone}`,
    );
    return this.append(envelope);
  }

  async approve(plan: Plan, inner: Partial<Predicates['approval']> = {}): Promise<number> {
    const { changeId } = plan;
    const nonce = `${changeId}-bob`;
    return this.append(
      await acceptance({ inner: { changeId, planDigest: digestOf(plan), nonce, ...inner } }),
    );
  }

  async intend(plan: DnsPlan, stage: string, expectedFence: string | null): Promise<number> {
    const { changeId } = plan;
    const inverseDigest = inverseDigestOf(plan, stage);
    if (inverseDigest === undefined) throw new Error(`no stage ${stage}`);
    return this.say('intent', { changeId, planDigest: digestOf(plan), stage, expectedFence, inverseDigest });
  }

  async conclude(
    plan: DnsPlan,
    stage: string,
    intentIndex: number,
    change: Partial<Predicates['outcome']> = {},
  ) {
    const { changeId } = plan;
    const about = {
      changeId,
      planDigest: digestOf(plan),
      stage,
      intentIndex,
      fence: String(intentIndex),
      ...change,
    };
    return this.say('outcome', about);
  }

  async judge(
    plan: DnsPlan,
    stage: string,
    intentIndex: number,
    errors = 0,
    verdict: Predicates['stage-verdict']['verdict'] = errors > 0 ? 'fail' : 'pass',
  ): Promise<number> {
    const { changeId } = plan;
    const arms = { stable: arm(0), canary: arm(errors) };
    return this.say('stage-verdict', {
      changeId,
      planDigest: digestOf(plan),
      stage,
      intentIndex,
      verdict,
      arms,
    });
  }

  async commit(plan: DnsPlan, instead?: Digest): Promise<number> {
    const moves = plan.resources.map(({ resource, committedDigest, targetDigest }) => ({
      ...{ resource, from: committedDigest, to: instead ?? targetDigest, clock: plan.clock },
      ...{ version: null, versionDigest: null, vector: {}, dependsOn: [] },
    }));
    return this.say('commit', { changeId: plan.changeId, planDigest: digestOf(plan), moves });
  }

  /** Votes and approval. */
  async allow(plan: Plan): Promise<void> {
    for (const zone of ['a', 'b', 'c']) await this.vote(plan, zone);
    await this.approve(plan);
  }

  /** A change that goes live; returns the fence it leaves. */
  async goodChange(changeId: string, from: string, to: string, fence: string | null): Promise<string> {
    const plan = await this.plan(changeId, from, to, fence);
    await this.allow(plan);
    let expected = fence;
    for (const { name, baked } of plan.stages) {
      const intent = await this.intend(plan, name, expected);
      await this.conclude(plan, name, intent);
      if (baked) await this.judge(plan, name, intent);
      expected = String(intent);
    }
    await this.commit(plan);
    return expected ?? '';
  }

  /** A change whose first stage fails and goes back. */
  async badChange(changeId: string, from: string, to: string, fence: string): Promise<void> {
    const plan = await this.plan(changeId, from, to, fence);
    await this.allow(plan);
    const [stage] = plan.stages;
    if (stage === undefined) throw new Error('no stage');
    const intent = await this.intend(plan, stage.name, fence);
    await this.conclude(plan, stage.name, intent);
    await this.judge(plan, stage.name, intent, 20);
    await this.conclude(plan, stage.name, intent, { direction: 'rollback', fence: `${intent}.r${intent}` });
    await this.say('end', { changeId, status: 'rolled-back' });
  }

  async snapshot(): Promise<void> {
    const { size } = this.fold.state;
    const state = structuredClone(this.fold.state);
    const stateDigest = this.put({ previous: genesisDigest(ENVIRONMENT), state });
    await this.say('snapshot', { size, stateDigest });
  }
}

/** A good change, a bad one, an attempt that is refused, a forged entry, and a snapshot. */
export async function auditedLog(): Promise<LogWriter> {
  const writer = new LogWriter();
  await writer.begin();
  const fence = await writer.goodChange(GOOD, '192.0.2.1', '192.0.2.2', null);
  await writer.badChange(BAD, '192.0.2.2', '192.0.2.3', fence);
  writer.appendBytes(canonicalBytes({ rubbish: true }));
  await writer.snapshot();
  await writer.say('freeze', { nonce: 'f-2' });
  return writer;
}

/** Where the writer's log would be read from, published by log and witness. */
export async function sourceOf(
  { entries, bodies }: LogWriter,
  size = entries.length,
): Promise<EvidenceSource> {
  const { edge, full } = growTree(EMPTY_EDGE, entries.slice(0, size));
  const tiles = new Map([...full, ...partialFiles(edge, 0)].map(({ path, bytes }) => [path, bytes]));
  const text = formatCheckpoint({ origin: log.key.name, size, root: edgeRoot(edge) });
  const signatures = [
    await signNote(text, log.key, log.sign),
    await cosignNote(text, witness.key, Date.parse(AT) / 1000, witness.sign),
  ];
  const { envelope } = await sealTrustDocument(trust, [signerOf('root')]);
  const get = (digest: Digest) => bodies.get(digest) ?? null;
  return {
    environment: ENVIRONMENT,
    trust,
    trustFile: canonicalBytes(envelope),
    pins,
    async *entries() {
      yield* entries;
    },
    checkpoint: async () => encodeNote({ text, signatures }),
    tile: async (path) => tiles.get(path) ?? null,
    body: async (digest) => get(digest),
    snapshot: async ({ stateDigest }) => get(stateDigest),
    histories: async (changeId) => [{ runId: 'run-1', history: { events: [{ eventId: '1', changeId }] } }],
  };
}

/** An export in memory. */
export type Files = Map<string, Uint8Array>;

export async function exportOf(source: EvidenceSource, selection = {}): Promise<Files> {
  const files: Files = new Map();
  const folder: ExportFolder = {
    write: async (path, bytes) => void files.set(path, bytes),
    append: async (path, text) =>
      void files.set(path, Buffer.concat([files.get(path) ?? new Uint8Array(), Buffer.from(text)])),
  };
  await writeExport(source, folder, selection, { verify: verifyEd25519, nowMs: NOW_MS });
  return files;
}

export function readerOf(files: Files): ExportReader {
  return {
    list: async () => [...files.keys()],
    async *open(path) {
      const bytes = files.get(path);
      if (bytes === undefined) throw new DomainError('NOT_FOUND', `${path} is not there.`);
      yield bytes;
    },
  };
}

/** Lists the files as they are now, as an attacker would who has the whole folder. */
export function withNewManifest(files: Files, change: Partial<ExportManifest> = {}): Files {
  const { apiVersion: _, ...manifest } = decodeManifest(files.get(EXPORT_FILES.manifest) ?? new Uint8Array());
  const listed = [...files].filter(([path]) => path !== EXPORT_FILES.manifest);
  const digests = Object.fromEntries(listed.map(([path, bytes]) => [path, digestOfBytes(bytes)]));
  return new Map(files).set(
    EXPORT_FILES.manifest,
    encodeManifest({ ...manifest, files: digests, ...change }),
  );
}
