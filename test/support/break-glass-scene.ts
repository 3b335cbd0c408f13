import type { BreakGlassPorts } from '../../activities/break-glass/ports.ts';
import type { FencedBatch } from '../../activities/ports/dns-zones.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { PortError } from '../../domain/errors.ts';
import { createEntryAudit } from '../../domain/evidence/audit-entries.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { OverridePredicate } from '../../domain/evidence/statements.ts';
import { applyChanges } from '../../domain/kinds/dns.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import type { SpoolItem } from '../../domain/override/spool.ts';
import { createCedarEngine } from '../../infra/cedar/cedar-engine.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { bystanders, record, requestOf, set, zoneOf } from './dns-plans.ts';
import { AT, ENVIRONMENT, envelopeOf, SAMPLES, signedTrust, signerOf, ZONE } from './sample-log.ts';

/** Break-glass on a zone and a log in memory, each of which a test can take away or make answer nothing. */
export function breakGlassScene() {
  const trust = signedTrust();
  const verify = verifyEd25519;
  const fold = createFold({ environment: ENVIRONMENT, trust, verify });
  const world = {
    zone: zoneOf([record('api', 'A', ['192.0.2.1']), ...bystanders(12)], { zone: ZONE }),
    logDown: false,
    /** What becomes of the next batches: an answer is lost before or after the effect. */
    lost: [] as ('before' | 'after')[],
    entries: [] as Uint8Array[],
    bodies: new Map<Digest, Uint8Array>(),
    spool: [] as SpoolItem[],
    /** What was put aside last. */
    aside: null as { as: string; items: SpoolItem[] } | null,
    happened: [] as string[],
    nowMs: Date.parse(AT),
    fold,
  };
  const answering = () => {
    if (world.logDown) throw new PortError('STORE_UNAVAILABLE', 'the log is down');
  };

  function write({ expectedFence, nextFence, changes }: FencedBatch): boolean {
    const { recordSets, refused } = applyChanges(world.zone.recordSets, changes);
    if (world.zone.fence !== expectedFence || refused.length > 0) return false;
    world.zone = { ...world.zone, fence: nextFence, recordSets };
    world.happened.push(`zone ${nextFence}`);
    return true;
  }

  const ports: BreakGlassPorts = {
    ...{ environment: ENVIRONMENT, verify },
    signer: signerOf('break-glass'),
    clock: { nowMs: () => world.nowMs },
    pause: async () => {},
    log: {
      sync: async () => {
        answering();
        return fold.state;
      },
      lastKnown: () => fold.state,
      append: async (envelopes) => {
        answering();
        return envelopes.map((envelope) => {
          const bytes = encodeEntry(envelope);
          world.entries.push(bytes);
          world.happened.push('entry');
          return fold.apply(bytes);
        });
      },
    },
    policyEngine: createCedarEngine(),
    bodies: {
      get: async (digest) => {
        answering();
        const bytes = world.bodies.get(digest);
        if (bytes) return bytes;
        throw new PortError('NOT_FOUND', `no body ${digest}`);
      },
      put: async (bytes) => {
        answering();
        world.happened.push('body');
        world.bodies.set(digestOfBytes(bytes), bytes);
        return digestOfBytes(bytes);
      },
    },
    dns: {
      worstPropagationMs: 0,
      readZone: async () => world.zone,
      readFence: async () => world.zone.fence,
      isInSync: async () => true,
      applyBatch: async (batch) => {
        const lost = world.lost.shift();
        if (lost === 'before') return { unknown: new Error('lost') };
        const wrote = write(batch);
        return wrote && lost === undefined
          ? { changeRef: 'ref' }
          : { unknown: new Error('lost, or refused') };
      },
    },
    spool: {
      append: async (items) => {
        world.happened.push('spool');
        world.spool.push(...items);
      },
      read: async () => [...world.spool],
      retire: async (as) => {
        world.aside = { as, items: world.spool.splice(0) };
        return as;
      },
    },
  };
  return { ports, world, trust, verify };
}

export function requestTo(address: string): ChangeRequest {
  return requestOf([set('api', 'A', [address])]);
}

export type Scene = ReturnType<typeof breakGlassScene>;

/** What an auditor says of the whole log. */
export async function audited({ world, trust, verify }: Scene): Promise<string[]> {
  const audit = createEntryAudit({
    ...{ environment: ENVIRONMENT, trust, verify, snapshotSizes: new Set<number>() },
    body: async (digest) => world.bodies.get(digest) ?? null,
  });
  for (const bytes of world.entries) await audit.next(bytes);
  return audit.discrepancies.map(({ rule }) => rule);
}

/** An override that bob and cyd signed, each with a second factor. */
export async function signedBy(
  planDigest: Digest,
  change: Partial<OverridePredicate> = {},
): Promise<{ override: Envelope; factors: Envelope[] }> {
  const said = {
    ...SAMPLES.override,
    guards: ['quorum', 'witness', 'canary'] as const,
    planDigest,
    ...change,
  };
  const predicate: OverridePredicate = { ...said, guards: [...said.guards] };
  const own = await Promise.all(
    [...new Set(predicate.approvers)].map((holder) => signStatement(signerOf(holder), 'override', predicate)),
  );
  const [first] = own;
  if (!first) throw new Error('nobody signs it');
  const { changeId, nonce } = predicate;
  const factors = predicate.approvers.map((person) =>
    envelopeOf('mfa', { changeId, planDigest, nonce, person }),
  );
  return {
    override: { ...first, signatures: own.flatMap(({ signatures }) => signatures) },
    factors: await Promise.all(factors),
  };
}
