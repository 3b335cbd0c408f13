import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { CHECKPOINT_PATH } from '../activities/integrate.ts';
import { openPermissions } from '../activities/permissions.ts';
import { planHere } from '../activities/plan-base.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { DnsZones } from '../activities/ports/dns-zones.ts';
import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import type { StoredObjects } from '../activities/ports/stored-objects.ts';
import { loadPlan, loadRequest } from '../activities/recorded-change.ts';
import { survey } from '../activities/survey.ts';
import { DomainError } from '../domain/errors.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import { readPins } from '../domain/evidence/export-layout.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import type { Checkpoint } from '../domain/log/checkpoint.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { createRoute53Reader, createRoute53Writer, createS3Client } from '../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../infra/aws/route53-dns-zones.ts';
import { createS3Bodies } from '../infra/aws/s3-bodies.ts';
import { createS3ChangeLog, type S3ChangeLogInput } from '../infra/aws/s3-change-log.ts';
import { createS3HistoryArchive } from '../infra/aws/s3-history-archive.ts';
import { createS3LogEntries } from '../infra/aws/s3-log-entries.ts';
import type { LogStore } from '../infra/aws/s3-log-reader.ts';
import { readSnapshot } from '../infra/aws/s3-snapshots.ts';
import { createS3StoredObjects } from '../infra/aws/s3-stored-objects.ts';
import { createS3TileStore } from '../infra/aws/s3-tile-store.ts';
import { createCedarEngine } from '../infra/cedar/cedar-engine.ts';
import { createLastGoodFile, placeToGoOn } from '../infra/files/file-last-good.ts';
import { createHttpFactorVerifier } from '../infra/http/factor-client.ts';
import { nextCode } from '../infra/keys/code-file.ts';
import { generatePersonKey, readPersonSigner } from '../infra/keys/person-keys.ts';
import { factorUri, makeFactor } from '../infra/keys/second-factor.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import type { Drift } from './assess.ts';
import { type Assessor, createAssessor } from './assessor.ts';
import type { EvidenceSource } from './audit/evidence-source.ts';
import { openCheckpoint } from './audit/write-export.ts';
import { type Brakes, createBrakes } from './brakes.ts';
import { createTemporalEngine } from './change-engine.ts';
import type { ControlPlane, Person } from './control-plane.ts';
import { createControlPlane } from './direct-control-plane.ts';
import { createStore } from './direct-store.ts';
import { enrolFactor } from './enrol-factor.ts';
import type { Installation } from './installation.ts';
import { stackRuns } from './open-installation.ts';
import { createPermissionDesk, type PermissionDesk } from './permission-desk.ts';
import { createRememberedLog } from './remembered-log.ts';
import { noFactorVerifier } from './second-factor.ts';
import type { Store } from './store.ts';
import { fetchHistories } from './temporal-histories.ts';
import { createTrustDesk, type TrustDesk } from './trust-desk.ts';

/** The client's composition root: the only module of `client/` that knows adapters. */

/** The library waits 0.1 s, then 1.7 times as long each time: about a second in all. */
const ENGINE_ATTEMPTS = 5;

export interface Connected {
  controlPlane: ControlPlane;
  /** Stop forward motion, and let it go on. */
  brakes: Brakes;
  /** What an operator has to know, on one page. */
  assessor: Assessor;
  /** The trust document: who may do what, and its next version. */
  trust: TrustDesk;
  /** What was live when, and what it said. */
  store: Store;
  permissions: PermissionDesk;
  /** What an auditor reads. */
  evidence: EvidenceSource;
  /** The bucket, version by version; what is put back there needs the keeper's credentials. */
  objects: StoredObjects;
  /** The newest checkpoint that is to be believed; null where none is published. Throws `LOG_FORKED`. */
  checkpoint(): Promise<Checkpoint | null>;
  /** Reads the log on from where this machine was. Throws `LOG_FORKED` when it was shortened or replaced since. */
  catchUp(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Opens the trust document, pinned, and makes the control plane over it. Nothing is dialled before the first call.
 * Throws `STACK_NOT_RUNNING` for a local stack that has ended, `DIGEST_MISMATCH` when what this machine remembers of
 * the log was changed, and what `openTrustFile` throws.
 */
export async function connect(installation: Installation): Promise<Connected> {
  if (!stackRuns(installation)) {
    throw new DomainError(
      'STACK_NOT_RUNNING',
      `The local stack (process ${installation.dev?.pid}) has ended.`,
      {
        next: 'Run `resilience-ctl dev` (or `resilience-ctl dev --detach`) and try again; its state is kept.',
      },
    );
  }
  const { environment, temporal, aws } = installation;
  const trust = pinnedTrust(installation);
  const s3 = createS3Client(aws);
  const reader = createRoute53Reader(aws);
  const writer = createRoute53Writer(aws);
  const bodies = createS3Bodies({ s3, bucket: aws.bucket, environment });
  const targets = () => trustOf(log.lastKnown()).targets;
  const dns = createRoute53DnsZones({ reader, writer, targets });
  const connection = Connection.lazy({
    address: temporal.address,
    // A server that is away for longer is said to be away, instead of keeping a person waiting for the deadline.
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: ENGINE_ATTEMPTS }))],
  });
  const client = new Client({ connection, namespace: temporal.namespace });

  const store = { s3, bucket: aws.bucket, environment };
  const verify = verifyEd25519;
  const log = await openRememberedLog(installation, { ...store, trust, verify });
  const evidence = openEvidence(installation, trust, store, client);
  const checkpoint = () => publishedCheckpoint(evidence);
  const keeper = installation.keeper ? createS3Client({ ...aws, credentials: installation.keeper }) : null;
  const engine = createTemporalEngine(client, temporal.address);
  const policyEngine = createCedarEngine();
  const permissions = (state: LogState) => openPermissions({ bodies, policyEngine }, state);
  const controlPlane = createControlPlane({
    environment,
    engine,
    log,
    bodies,
    factors: factorVerifierOf(installation),
    readRequest: (digest) => loadRequest(bodies, digest),
    readPlan: (digest) => loadPlan(bodies, digest),
    planHere: (change, state) => planHere({ dns, bodies, environment, policyEngine }, change, state),
    permissions,
    nowMs: Date.now,
    newNonce: randomUUID,
  });
  const brakes = createBrakes({
    ...{ environment, engine, log, dns, permissions },
    nowMs: Date.now,
    sleep: (ms) => sleep(ms),
    newNonce: randomUUID,
  });
  return {
    controlPlane,
    brakes,
    assessor: createAssessor({
      environment,
      log,
      brakes,
      engine,
      drift: () => findDrift({ log, dns }),
      nowMs: Date.now,
    }),
    trust: createTrustDesk({ environment, log, verify: verifyEd25519, nowMs: Date.now }),
    permissions: createPermissionDesk({ policyEngine, permissions, log }),
    store: createStore({
      ...{ environment, log, bodies, checkpoint },
      readPlan: (digest) => loadPlan(bodies, digest),
    }),
    evidence,
    checkpoint,
    catchUp: () => log.sync(),
    objects: createS3StoredObjects(store, keeper),
    async close() {
      await connection.close();
      for (const aws of [s3, reader, writer, keeper]) aws?.destroy();
    },
  };
}

/**
 * People believe no snapshot: they fold the log from its first entry once, and then from where this machine was. An
 * installation without a memory folds it each time.
 */
/** A log that goes on from where this machine was the last time, and writes down how far it got. */
export async function openRememberedLog(
  { environment, trustDigest, memoryDir }: Installation,
  input: Omit<S3ChangeLogInput, 'from'>,
): Promise<ChangeLog> {
  if (memoryDir === undefined) return createS3ChangeLog(input);
  const memory = createLastGoodFile(join(memoryDir, environment));
  const kept = await memory.read();
  const log = createS3ChangeLog({
    ...input,
    ...(kept && { from: placeToGoOn(kept, trustDigest, input.trust) }),
  });
  return createRememberedLog(log, memory, { environment, trustDigest, nowMs: Date.now });
}

/** Zones against the log. What the engine runs is asked of it elsewhere: here every run is taken to be under way. */
async function findDrift({ log, dns }: { log: ChangeLog; dns: DnsZones }): Promise<Drift[]> {
  const runs = { stateOf: async () => 'running' as const };
  const { findings } = await survey({ log, dns, runs, clock: { nowMs: Date.now } });
  return findings.map(({ rule, subject, message, remedy }) => ({ rule, subject, message, remedy }));
}

async function publishedCheckpoint(evidence: EvidenceSource): Promise<Checkpoint | null> {
  return (await orNull(openCheckpoint(evidence, verifyEd25519, Date.now())))?.checkpoint ?? null;
}

function openEvidence(
  { environment, trustFile, trustDigest, checkpoints }: Installation,
  trust: TrustDocument,
  store: LogStore,
  client: Client,
): EvidenceSource {
  const log = createS3LogEntries(store);
  const tiles = createS3TileStore(store);
  const bodies = createS3Bodies(store);
  const archive = createS3HistoryArchive(store);
  return {
    environment,
    trust,
    trustFile: new Uint8Array(readFileSync(trustFile)),
    pins: checkpoints
      ? readPins({ apiVersion: 'resilience-ctl/pins/v1', environment, trustDigest, ...checkpoints })
      : null,
    entries: () => log.from(0),
    checkpoint: async () => (await tiles.get(CHECKPOINT_PATH))?.bytes ?? null,
    tile: async (path) => (await tiles.get(path))?.bytes ?? null,
    body: (digest) => orNull(bodies.get(digest)),
    snapshot: (named) => orNull(readSnapshot(store, named)),
    histories: async (changeId) => (await archive.get(changeId)) ?? fetchHistories(client, changeId),
  };
}

async function orNull<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

function factorVerifierOf({ factorVerifierUrl }: Installation): FactorVerifier | null {
  return factorVerifierUrl === undefined ? null : createHttpFactorVerifier(factorVerifierUrl);
}

/** Throws `FACTOR_VERIFIER_UNAVAILABLE` where the installation names none. */
export function factorVerifierFor(installation: Installation): FactorVerifier {
  const verifier = factorVerifierOf(installation);
  if (verifier === null) throw noFactorVerifier();
  return verifier;
}

/** Makes a second factor and enrols it. Throws what `enrolFactor` throws. */
export async function enrolNewFactor(
  installation: Installation,
  person: Person,
): Promise<{ subject: string; uri: string; recoveryCodes: string[]; commitment: string }> {
  const { environment } = installation;
  const { factor, recoveryCodes } = await makeFactor();
  const commitment = await enrolFactor(factorVerifierFor(installation), environment, person, factor);
  const { subject } = person;
  return { subject, uri: factorUri(factor, environment, subject), recoveryCodes, commitment };
}

/** The next code of a person of a local environment, whose second factor lies beside the key. Throws as `nextCode`. */
export function devCode(installation: Installation, subject: string): string {
  return nextCode(keyFile(installation, subject).replace(/\.pem$/, '.factor.json'), Date.now());
}

export interface KnownKey {
  subject: string;
  keyId: string;
  /** What the trust document lets this key do; empty when it does not list it. */
  roles: string[];
}

/** People with a private key on this machine. */
export function peopleOf(installation: Installation): string[] {
  try {
    return readdirSync(installation.keysDir)
      .filter((file) => file.endsWith('.pem'))
      .map((file) => file.slice(0, -'.pem'.length))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Throws `NOT_FOUND`, `SCHEMA_INVALID`. */
export function openPerson(installation: Installation, subject: string): Person {
  return { subject, signer: readPersonSigner(keyFile(installation, subject)) };
}

/** The trust document that this machine starts from: all there is to go by without the log. */
export function pinnedTrust({ trustFile, trustDigest }: Installation): TrustDocument {
  return openTrustFile(trustFile, trustDigest);
}

export function listKeys(installation: Installation, { people }: Pick<TrustDocument, 'people'>): KnownKey[] {
  return peopleOf(installation).map((subject) => {
    const { keyId } = openPerson(installation, subject).signer;
    const enrolled = people.find(
      (one) => one.subject === subject && one.keys.some((key) => key.keyId === keyId),
    );
    return { subject, keyId, roles: enrolled?.roles ?? [] };
  });
}

/** Writes a new private key, never over another, and returns what the trust document must list. */
export function createKey(
  installation: Installation,
  subject: string,
): { subject: string; file: string; keyId: string; publicKey: string } {
  const file = keyFile(installation, subject);
  const { privateKeyPem, publicKey, keyId } = generatePersonKey();
  mkdirSync(installation.keysDir, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, privateKeyPem, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new DomainError(
      'NOT_PERMITTED',
      `The key ${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { next: 'A key that is there is never replaced: move it away first, or choose another subject.' },
      cause,
    );
  }
  return { subject, file, keyId, publicKey };
}

/** The signer of a holder of the trust document's root. Throws `NOT_FOUND`, `SCHEMA_INVALID`. */
export function openRootSigner({ rootKeysDir }: Installation, holder: string): Signer {
  if (rootKeysDir === undefined) {
    throw new DomainError('NOT_FOUND', 'No root key is kept here: the installation names no `rootKeysDir`.', {
      next: 'Sign on the machine that has the key, and bring back the proposal.',
    });
  }
  return readPersonSigner(pemFile(rootKeysDir, holder));
}

const SUBJECT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** Where a person's private key is. Throws `SCHEMA_INVALID` for what cannot be a person's name. */
export function keyFile({ keysDir }: Installation, subject: string): string {
  return pemFile(keysDir, subject);
}

function pemFile(dir: string, subject: string): string {
  if (!SUBJECT_PATTERN.test(subject)) {
    throw new DomainError('SCHEMA_INVALID', `${JSON.stringify(subject)} cannot name a person.`, {
      next: 'Use letters, digits and . _ @ + -, such as alice or alice@example.com.',
    });
  }
  return join(dir, `${subject}.pem`);
}

/** The local stack: servers, environment and workers, until `stop`. Throws `STACK_NOT_RUNNING` saying what is missing. */
export async function startDevStack(options: {
  home: string;
  environment: string;
  onProgress(text: string): void;
}): Promise<{ installation: Installation; stop(): Promise<void> }> {
  // Only `dev` pays for loading the worker's side.
  const { runDevStack } = await import('../infra/dev/dev-stack.ts');
  return runDevStack(options);
}
