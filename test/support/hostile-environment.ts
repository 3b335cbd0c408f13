import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import { type ChangeEngine, createTemporalEngine } from '../../client/change-engine.ts';
import type { Installation } from '../../client/installation.ts';
import { readInstallation } from '../../client/open-installation.ts';
import { createRoute53Reader, createRoute53Writer, createS3Client } from '../../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../../infra/aws/route53-dns-zones.ts';
import { createS3ChangeLog, type S3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { devZone } from '../../infra/dev/dev-zone.ts';
import { prepareEnvironment } from '../../infra/dev/environment.ts';
import { startRoles } from '../../infra/dev/roles.ts';
import { type DevServers, startServers } from '../../infra/dev/servers.ts';
import { generatePersonKey, readPersonSigner } from '../../infra/keys/person-keys.ts';
import { sealTrustDocument } from '../../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { peopleNeeded } from './approval-rules.ts';
import { SMALL_ZONE } from './bad-requests.ts';

/** A whole environment on servers of its own, which a test may kill, edit and lie to. */
export interface HostileEnvironment {
  /** What RESILIENCE_HOME names. */
  home: string;
  /** Another home of the same environment, whose installation differs. */
  homeWith(name: string, change: (installation: Installation) => Installation): string;
  servers: DevServers;
  dir: string;
  /** The private key of a second key that the trust document lists for bob. */
  bobsOtherKey: string;
  engine: ChangeEngine;
  dns: DnsZones;
  /** With the rights of a client: whoever can append may append rubbish. */
  log: S3ChangeLog;
  /** The administrator, who can do anything. */
  admin: S3Client;
  bucket: string;
  stop(): Promise<void>;
}

const ENVIRONMENT = 'demo';

export async function startHostileEnvironment(): Promise<HostileEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), 'resilience-hostile-'));
  const home = join(folder, 'home');
  const dir = join(home, 'dev');
  mkdirSync(join(dir, 'servers'), { recursive: true });
  const silent = () => {};
  const servers = await startServers({
    stateDir: join(dir, 'servers'),
    onProgress: silent,
    onUnexpectedExit: silent,
  });
  const prepared = await prepareEnvironment(servers, {
    environment: ENVIRONMENT,
    zones: zones(),
    dir,
    policy: { approvals: peopleNeeded({ standard: 1, critical: 2, emergency: 2, brake: 1 }) },
  });

  const other = generatePersonKey();
  const bobsOtherKey = join(folder, 'bob-2.pem');
  writeFileSync(bobsOtherKey, other.privateKeyPem);
  const trust = {
    ...prepared.trust,
    people: prepared.trust.people.map((person) =>
      person.subject === 'bob'
        ? { ...person, keys: [...person.keys, { keyId: other.keyId, publicKey: other.publicKey }] }
        : person,
    ),
  };
  const sealed = await sealTrustDocument(trust, [readPersonSigner(join(dir, 'root', 'dora.pem'))]);
  writeFileSync(prepared.installation.trustFile, JSON.stringify(sealed.envelope));
  const pinned = { trustDigest: sealed.digest };
  const installation = { ...prepared.installation, ...pinned };
  const workers = Object.fromEntries(
    Object.entries(prepared.workers).map(([role, config]) => [role, { ...config, ...pinned }]),
  );
  const roles = await startRoles({
    dir,
    workers,
    witness: prepared.witness,
    onUnexpectedExit: silent,
    env: () => ({
      WORKFLOW_BUNDLE: inject('workflowBundle'),
      NODE_COMPILE_CACHE: join(tmpdir(), 'resilience-test-compile-cache'),
    }),
  });

  const write = (place: string, one: Installation) => {
    mkdirSync(join(place, 'dev'), { recursive: true });
    writeFileSync(join(place, 'dev', 'installation.json'), JSON.stringify(one));
    return place;
  };
  write(home, installation);
  const { aws, temporal } = installation;
  const connection = Connection.lazy({ address: temporal.address });
  const s3 = createS3Client(aws);
  return {
    home,
    homeWith: (name, change) => write(join(folder, name), change(readInstallation(home))),
    ...{ servers, dir, bobsOtherKey },
    engine: createTemporalEngine(new Client({ connection, namespace: temporal.namespace }), temporal.address),
    dns: createRoute53DnsZones({
      reader: createRoute53Reader(aws),
      writer: createRoute53Writer(aws),
      targets: () => trust.targets,
    }),
    log: createS3ChangeLog({
      s3,
      bucket: aws.bucket,
      environment: ENVIRONMENT,
      trust,
      verify: verifyEd25519,
    }),
    admin: new S3Client({
      endpoint: servers.aws.endpoint,
      region: aws.region,
      credentials: { ...servers.aws.adminCredentials },
      forcePathStyle: true,
    }),
    bucket: aws.bucket,
    async stop() {
      await roles.stop();
      await connection.close();
      await servers.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function zones(): { name: string; records: ResourceRecordSet[] }[] {
  const { records } = devZone('example.com');
  const elsewhere: ResourceRecordSet = {
    Name: 'legacy.example.com.',
    Type: 'A',
    TTL: 0,
    SetIdentifier: 'everywhere-else',
    GeoLocation: { CountryCode: '*' },
    ResourceRecords: [{ Value: '127.0.0.1' }],
  };
  const small = ['one', 'two'].map(
    (label): ResourceRecordSet => ({
      Name: `${label}.${SMALL_ZONE}.`,
      Type: 'A',
      TTL: 0,
      ResourceRecords: [{ Value: '127.0.0.1' }],
    }),
  );
  // A TTL of 0: nobody waits for a bake.
  return [
    { name: 'example.com', records: [...records.map((one) => ({ ...one, TTL: 0 })), elsewhere] },
    { name: SMALL_ZONE, records: small },
  ];
}
