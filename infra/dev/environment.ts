import { createPublicKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BreakGlassConfig, Installation } from '../../client/installation.ts';
import type { ControlPlaneClientOptions } from '../../client/sdk/index.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { logOrigin } from '../../domain/log/checkpoint.ts';
import { formatVkey, noteKey } from '../../domain/log/signed-note.ts';
import { DEFAULT_POLICY } from '../../domain/permissions/default-policy.ts';
import type { WorkerConfig } from '../../worker/config.ts';
import type { FactorVerifierConfig } from '../../worker/factor-verifier-config.ts';
import type { WitnessConfig } from '../../worker/witness-config.ts';
import { VOTER_ZONES } from '../../workflows/contract.ts';
import { openNoteSigner } from '../keys/note-signer.ts';
import { generatePersonKey, rawPublicKey, readPersonSigner } from '../keys/person-keys.ts';
import { sealTrustDocument } from '../keys/trust-file.ts';
import { bootstrapEnvironment, type EnvironmentPlan, type EnvironmentResources } from './bootstrap.ts';
import { enrolPeople } from './dev-factors.ts';
import { freePort } from './free-port.ts';
import type { RoleName } from './role-policies.ts';
import type { StackAddresses } from './servers.ts';

/** Who the local environment knows. The names are the ones that the guide and the examples use. */
const PEOPLE: readonly Pick<TrustDocument['people'][number], 'subject' | 'roles' | 'teams'>[] = [
  { subject: 'alice', roles: ['author', 'approver'], teams: ['payments'] },
  { subject: 'bob', roles: ['author', 'approver'], teams: ['payments'] },
  { subject: 'carol', roles: ['approver', 'operator'], teams: ['reliability'] },
];

/** Who change the trust document, two of them together. Elsewhere each would keep the key offline, at home. */
const ROOT_HOLDERS = ['dora', 'erin', 'finn'] as const;
/** The same folder again is the same environment, so this is no time from now. */
const ROOT_EXPIRES_AT = '2036-01-01T00:00:00.000Z';

/** Two people for an ordinary change too: the demo shows both. Probes reach loopback and nothing else. */
const POLICY: TrustDocument['policy'] = {
  approvals: {
    standard: { people: 2, teams: 1, secondFactor: false },
    critical: { people: 2, teams: 1, secondFactor: false },
    emergency: { people: 2, teams: 1, secondFactor: true },
    brake: { people: 1, teams: 1, secondFactor: false },
  },
  votes: { standard: 2, critical: 3, emergency: 3, brake: 2 },
  rateLimits: { perMinute: 600, burst: 1200 },
  probeAllowList: ['127.0.0.0/8', '::1/128'],
  limits: { minTtlSeconds: 0, maxTtlSeconds: 86_400, maxZoneShare: 0.3, smallZoneSize: 10 },
};

type WorkerRole = Exclude<RoleName, 'client' | 'consumer' | 'keeper' | 'factor-verifier' | 'break-glass'>;

/** One environment, ready to be worked in: everything that its workers and its people need, as files. */
export interface DevEnvironment {
  installation: Installation;
  trust: TrustDocument;
  workers: Record<WorkerRole, WorkerConfig>;
  /** Of the environment's one witness, which on this machine stands in for somebody else's. */
  witness: WitnessConfig;
  factorVerifier: FactorVerifierConfig;
  /** Where each voter reads its zone's switch. */
  zoneSwitchFiles: Record<string, string>;
  /** JSON of `ConsumerConfig`: what a service needs to read what is live. */
  consumerFile: string;
}

/** The part of a service's SDK options that does not depend on the service. */
export type ConsumerConfig = Pick<
  ControlPlaneClientOptions,
  'environment' | 'aws' | 'trustFile' | 'trustDigest'
>;

export interface DevEnvironmentPlan extends EnvironmentPlan {
  /** Holds keys and credentials: made with mode 0700. The same folder again: the same environment. */
  dir: string;
  policy?: Partial<TrustDocument['policy']>;
}

/** Makes (or finds again) AWS resources, people's keys, the signed trust document and every role's configuration. */
export async function prepareEnvironment(
  stack: StackAddresses,
  plan: DevEnvironmentPlan,
): Promise<DevEnvironment> {
  const { dir } = plan;
  mkdirSync(join(dir, 'keys'), { recursive: true, mode: 0o700 });
  mkdirSync(join(dir, 'root'), { recursive: true, mode: 0o700 });
  mkdirSync(join(dir, 'workers'), { recursive: true, mode: 0o700 });
  const resourcesFile = join(dir, 'resources.json');
  const previous = existsSync(resourcesFile)
    ? (JSON.parse(readFileSync(resourcesFile, 'utf8')) as EnvironmentResources)
    : undefined;
  const resources = await bootstrapEnvironment(stack.aws, plan, previous);
  writeSecret(resourcesFile, resources);

  const logKey = logKeyOf(plan, resources);
  const witness = await prepareWitness(plan, formatVkey(logKey));
  const transparency = { log: formatVkey(logKey), witnesses: [witness.vkey], threshold: 1 };
  const factors = await enrolPeople(
    plan,
    resources,
    PEOPLE.map(({ subject }) => subject),
  );
  const trust = trustDocument(plan, resources, transparency, factors);
  const rootSigners = ROOT_HOLDERS.map((holder) => readPersonSigner(rootKeyFile(dir, holder)));
  const sealed = await sealTrustDocument(trust, rootSigners);
  const trustFile = join(dir, 'trust.json');
  writeSecret(trustFile, sealed.envelope);

  const zoneSwitchFiles = Object.fromEntries(
    VOTER_ZONES.map((zone) => {
      const file = join(dir, `zone-${zone}.json`);
      if (!existsSync(file)) writeSecret(file, { healthy: true, frozen: false });
      return [zone, file] as const;
    }),
  );
  const factorPort = await freePort();
  const shared = {
    ...{ stack, plan, resources, trustFile, trustDigest: sealed.digest, transparency, witness, factorPort },
  };
  return {
    installation: installationOf(shared),
    trust,
    workers: workerConfigs(shared, zoneSwitchFiles),
    witness: witness.config,
    factorVerifier: factorVerifierConfig(shared),
    zoneSwitchFiles,
    consumerFile: writeConsumerConfig(shared),
  };
}

function writeConsumerConfig({ plan, resources, trustFile, trustDigest }: Shared): string {
  const { environment, dir } = plan;
  const config: ConsumerConfig = { environment, aws: awsOf(resources, 'consumer'), trustFile, trustDigest };
  const file = join(dir, 'consumer.json');
  writeSecret(file, config);
  return file;
}

/** Writes a role's configuration where its process reads it, and returns the file. */
export function writeWorkerConfig(dir: string, role: string, config: object): string {
  const file = join(dir, 'workers', `${role}.json`);
  writeSecret(file, config);
  return file;
}

interface Shared {
  stack: StackAddresses;
  plan: DevEnvironmentPlan;
  resources: EnvironmentResources;
  trustFile: string;
  trustDigest: string;
  transparency: TrustDocument['transparency'];
  witness: PreparedWitness;
  factorPort: number;
}

interface PreparedWitness {
  config: WitnessConfig;
  url: string;
  vkey: string;
}

/** A folder of its own, with its key and all that it remembers; nobody who runs the log would have rights there. */
async function prepareWitness(
  { environment, dir }: DevEnvironmentPlan,
  logVkey: string,
): Promise<PreparedWitness> {
  const home = join(dir, 'witness');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const keyFile = ensurePrivateKey(join(home, 'key.pem'));
  const name = `resilience-ctl.dev/witness/${environment}`;
  const host = '127.0.0.1';
  const port = await freePort();
  const config: WitnessConfig = {
    ...{ name, keyFile, host, port },
    memoryDir: join(home, 'memory'),
    logs: [logVkey],
    logLevel: 'info',
  };
  const { key } = openNoteSigner('cosignature/v1', name, keyFile);
  return { config, url: `http://${host}:${port}`, vkey: formatVkey(key) };
}

function logKeyOf({ environment }: DevEnvironmentPlan, { logKey }: EnvironmentResources) {
  return noteKey('ed25519', logOrigin(environment), rawPublicKey(createPublicKey(logKey.publicKeyPem)));
}

function installationOf(shared: Shared): Installation {
  const { stack, plan, resources, trustFile, trustDigest, transparency, factorPort } = shared;
  return {
    apiVersion: 'resilience-ctl/installation/v1',
    environment: plan.environment,
    temporal: stack.temporal,
    aws: awsOf(resources, 'client'),
    trustFile,
    trustDigest,
    checkpoints: { logKey: transparency.log, witnessKeys: transparency.witnesses },
    keysDir: join(plan.dir, 'keys'),
    breakGlassFile: writeBreakGlassConfig(shared),
    rootKeysDir: join(plan.dir, 'root'),
    factorVerifierUrl: `http://127.0.0.1:${factorPort}`,
    memoryDir: join(plan.dir, 'memory'),
    keeper: resources.roles.keeper.credentials,
  };
}

function factorVerifierConfig(shared: Shared): FactorVerifierConfig {
  const { plan, resources, trustFile, trustDigest, factorPort } = shared;
  return {
    environment: plan.environment,
    aws: awsOf(resources, 'factor-verifier'),
    kmsKeyArn: resources.roles['factor-verifier'].keyArn ?? '',
    factorKeyArn: resources.factorKeyArn,
    ...{ trustFile, trustDigest, host: '127.0.0.1', port: factorPort, logLevel: 'info' },
    memoryDir: join(plan.dir, 'factor-memory'),
  };
}

/** What a machine needs to break glass; elsewhere it lies where two people must go to get it. */
function writeBreakGlassConfig({ plan, resources }: Shared): string {
  const config: BreakGlassConfig = {
    aws: awsOf(resources, 'break-glass'),
    kmsKeyArn: resources.roles['break-glass'].keyArn ?? '',
    spoolDir: join(plan.dir, 'break-glass'),
    dnsWorstPropagationMs: 500,
  };
  const file = join(plan.dir, 'break-glass.json');
  writeSecret(file, config);
  return file;
}

function workerConfigs(
  shared: Shared,
  zoneSwitchFiles: Record<string, string>,
): Record<WorkerRole, WorkerConfig> {
  const { stack, plan, resources, trustFile, trustDigest, witness } = shared;
  const common = (role: WorkerRole) => ({
    environment: plan.environment,
    temporal: { address: stack.temporal.address, namespace: stack.temporal.namespace },
    aws: awsOf(resources, role),
    kmsKeyArn: resources.roles[role].keyArn ?? '',
    trustFile,
    trustDigest,
    // The emulator is in sync after a few milliseconds.
    dnsWorstPropagationMs: 500,
    logLevel: 'info' as const,
  });
  const voter = (role: `voter.${(typeof VOTER_ZONES)[number]}`): WorkerConfig => {
    const voterZone = role.slice('voter.'.length);
    const zoneSwitchFile = zoneSwitchFiles[voterZone] ?? '';
    return { ...common(role), role: 'voter', voterZone, zoneSwitchFile };
  };
  return {
    orchestrator: {
      ...common('orchestrator'),
      role: 'orchestrator',
      integration: {
        logKeyArn: resources.logKey.keyArn,
        witnesses: [{ url: witness.url, vkey: witness.vkey }],
      },
    },
    analysis: { ...common('analysis'), role: 'analysis' },
    enactor: {
      ...common('enactor'),
      role: 'enactor',
      checkpointDir: join(plan.dir, 'enactor-checkpoints'),
    },
    'voter.us-east-1a': voter('voter.us-east-1a'),
    'voter.us-east-1b': voter('voter.us-east-1b'),
    'voter.us-east-1c': voter('voter.us-east-1c'),
  };
}

function awsOf(resources: EnvironmentResources, role: RoleName): Installation['aws'] {
  const { endpoint, region, bucket } = resources;
  return { endpoint, region, bucket, credentials: resources.roles[role].credentials };
}

function trustDocument(
  plan: DevEnvironmentPlan,
  resources: EnvironmentResources,
  transparency: TrustDocument['transparency'],
  factors: ReadonlyMap<string, TrustDocument['people'][number]['secondFactors']>,
): TrustDocument {
  return {
    apiVersion: 'resilience-ctl/trust/v1',
    environment: plan.environment,
    version: 1,
    root: {
      keys: ROOT_HOLDERS.map((holder) => ({
        holder,
        ...publicKeyOf(readFileSync(rootKeyFile(plan.dir, holder), 'utf8')),
      })),
      threshold: 2,
      expiresAt: ROOT_EXPIRES_AT,
    },
    people: PEOPLE.map((person) => ({
      ...person,
      secondFactors: factors.get(person.subject) ?? [],
      keys: [publicKeyOf(readFileSync(privateKeyFile(plan.dir, person.subject), 'utf8'))],
    })),
    services: services(resources),
    transparency,
    targets: Object.entries(resources.hostedZones).map(([zone, hostedZoneId]) => ({ zone, hostedZoneId })),
    permissions: { cedar: DEFAULT_POLICY },
    policy: { ...POLICY, ...plan.policy },
  };
}

function services(resources: EnvironmentResources): TrustDocument['services'] {
  const found: TrustDocument['services'] = [];
  for (const [name, { publicKeyPem }] of Object.entries(resources.roles)) {
    if (publicKeyPem === undefined) continue;
    const keys = [publicKeyOf(publicKeyPem)];
    const [role, voterZone] = name.split('.', 2) as [TrustDocument['services'][number]['role'], string?];
    found.push({ name, role, keys, ...(voterZone === undefined ? {} : { voterZone }) });
  }
  return found;
}

function publicKeyOf(pem: string): { keyId: string; publicKey: string } {
  const raw = rawPublicKey(createPublicKey(pem));
  return { keyId: keyIdOf(raw), publicKey: raw.toString('base64') };
}

/** The key's file, made on first use. */
function privateKeyFile(dir: string, subject: string): string {
  return ensurePrivateKey(join(dir, 'keys', `${subject}.pem`));
}

function rootKeyFile(dir: string, holder: string): string {
  return ensurePrivateKey(join(dir, 'root', `${holder}.pem`));
}

function ensurePrivateKey(file: string): string {
  if (!existsSync(file)) writeFileSync(file, generatePersonKey().privateKeyPem, { mode: 0o600 });
  return file;
}

function writeSecret(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}
