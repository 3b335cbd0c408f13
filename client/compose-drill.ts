import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseChangeRequest } from '../domain/change/request.ts';
import { createEntryAudit } from '../domain/evidence/audit-entries.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { createRoute53Reader, createRoute53Writer } from '../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../infra/aws/route53-dns-zones.ts';
import { devZone } from '../infra/dev/dev-zone.ts';
import { prepareEnvironment } from '../infra/dev/environment.ts';
import { startFaultProxy } from '../infra/dev/fault-proxy.ts';
import { startRoles } from '../infra/dev/roles.ts';
import { startServers } from '../infra/dev/servers.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { connect, devCode, factorVerifierFor, openPerson } from './compose.ts';
import { openBreakGlass } from './compose-break-glass.ts';
import type { DrillScene } from './drill/break-glass-drill.ts';

const ZONE = 'example.com';
const ENVIRONMENT = 'drill';
/** Every call to S3, as if its service were gone. */
const STORE_DOWN = [{ service: 's3' as const, reset: true }];

export interface Scratch {
  scene: DrillScene;
  stop(): Promise<void>;
}

/**
 * A scratch environment on servers of its own: a factor-verifier, and none of the engine's workers, so that no quorum
 * and no orchestrator is there. The store is reached through a proxy that can take it away. Nothing of it is left.
 */
export async function startScratch(onProgress: (line: string) => void): Promise<Scratch> {
  const dir = mkdtempSync(join(tmpdir(), 'resilience-drill-'));
  const ending: (() => Promise<void> | void)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of ending.splice(0).reverse()) await end();
  };
  try {
    const stateDir = join(dir, 'servers');
    mkdirSync(stateDir);
    const servers = await startServers({ stateDir, onProgress });
    ending.push(() => servers.stop());
    onProgress('Starting the proxy that can take the log away …');
    const proxy = await startFaultProxy({ upstream: servers.aws.endpoint, stateDir });
    ending.push(() => proxy.stop());
    // Everything reaches the store through the proxy, and so do records and keys, which it lets pass.
    const aws = { ...servers.aws, endpoint: proxy.endpoint };
    const plan = { environment: ENVIRONMENT, zones: [devZone(ZONE)], dir };
    const prepared = await prepareEnvironment({ temporal: servers.temporal, aws }, plan);
    const { installation, factorVerifier, trust } = prepared;
    const roles = await startRoles({ dir, workers: {}, factorVerifier, onUnexpectedExit: onProgress });
    ending.push(() => roles.stop());
    const breakGlass = await openBreakGlass(installation);
    ending.push(() => breakGlass.close());
    const { controlPlane, evidence, close } = await connect(installation);
    ending.push(close);
    const reader = createRoute53Reader(installation.aws);
    const writer = createRoute53Writer({ ...servers.aws, credentials: servers.aws.adminCredentials });
    ending.push(() => [reader, writer].forEach((client) => void client.destroy()));
    const scene: DrillScene = {
      ...{ zone: ZONE, breakGlass, controlPlane },
      verifier: factorVerifierFor(installation),
      dns: createRoute53DnsZones({ reader, writer, targets: () => trust.targets }),
      person: (subject) => openPerson(installation, subject),
      code: (subject) => devCode(installation, subject),
      requestTo: (address) => requestTo(address),
      stopEngine: () => servers.killTemporal(),
      stopLog: () => proxy.setRules(STORE_DOWN),
      startLog: () => proxy.setRules([]),
      async audit() {
        const audit = createEntryAudit({
          ...{ environment: ENVIRONMENT, trust, verify: verifyEd25519, snapshotSizes: new Set() },
          body: (digest: Digest) => evidence.body(digest),
        });
        for await (const bytes of evidence.entries()) await audit.next(bytes);
        return audit.discrepancies;
      },
    };
    return { scene, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function requestTo(address: string) {
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: ENVIRONMENT, reason: 'A drill of break-glass', emergency: true },
    spec: { operations: [{ set: `dns/${ZONE}/api/A`, body: { ttl: 1, values: [address] } }] },
  });
}
