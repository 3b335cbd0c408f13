import type { ChangeLog } from '../../activities/ports/change-log.ts';
import type { DnsZones, FencedBatch } from '../../activities/ports/dns-zones.ts';
import type { EnactorPorts } from '../../activities/role-ports.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { RecordSet, ZoneState } from '../../domain/kinds/dns-records.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import { createCedarEngine } from '../../infra/cedar/cedar-engine.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { AT, ENVIRONMENT, signedTrust, signerOf } from './sample-log.ts';

/** A log and zones in memory: the real fold, and batches that are all or nothing. */
export interface MemoryWorld {
  trust: TrustDocument;
  log: ChangeLog;
  zones: Map<string, ZoneState>;
  /** Every batch that was tried, in order, and whether it landed. */
  batches: (FencedBatch & { landed: boolean })[];
  /** Runs before each batch; what it throws is the provider's unknown answer, though the batch may have landed. */
  beforeBatch: (batch: FencedBatch, land: () => void) => void;
  enactor: EnactorPorts & { pause(ms: number): Promise<void> };
  append(...envelopes: Envelope[]): Promise<number>;
}

export function createMemoryWorld(...zoneNames: string[]): MemoryWorld {
  const trust = {
    ...signedTrust(),
    targets: zoneNames.map((zone, index) => ({ zone, hostedZoneId: `Z${index}` })),
  };
  const fold = createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
  const append: ChangeLog['append'] = async (envelopes) =>
    envelopes.map((envelope) => fold.apply(encodeEntry(envelope)));
  const log: ChangeLog = {
    sync: async () => fold.state,
    lastKnown: () => fold.state,
    append,
    intentLeaf: fold.intentLeaf,
    entries: () => {
      throw new Error('nobody reads entries here');
    },
  };
  const zones = new Map(
    zoneNames.map((zone): [string, ZoneState] => [zone, { zone, fence: null, recordSets: [], opaque: [] }]),
  );
  const world: MemoryWorld = {
    trust,
    log,
    zones,
    batches: [],
    beforeBatch: () => undefined,
    enactor: {
      environment: ENVIRONMENT,
      log,
      bodies: {
        get: () => Promise.reject(new Error('no bodies here')),
        put: () => Promise.reject(new Error('no bodies here')),
      },
      dns: zonesIn(() => world),
      signer: signerOf('enactor'),
      clock: { nowMs: () => Date.parse(AT) },
      policyEngine: createCedarEngine(),
      madeBy: () => ({ build: 'test', rules: `sha256:${'0'.repeat(64)}` }),
      cosignedLog: { requireEntry: async () => undefined },
      pause: async () => undefined,
    },
    append: async (...envelopes) => {
      const fates = await append(envelopes);
      for (const fate of fates) if (fate.fate !== 'honoured') throw new Error(JSON.stringify(fate));
      return fates.at(-1)?.index ?? -1;
    },
  };
  return world;
}

function zonesIn(world: () => MemoryWorld): DnsZones {
  const zoneOf = (zone: string): ZoneState => {
    const found = world().zones.get(zone);
    if (!found) throw new Error(`no zone ${zone}`);
    return found;
  };
  return {
    worstPropagationMs: 0,
    readZone: async (zone) => structuredClone(zoneOf(zone)),
    readFence: async (zone) => zoneOf(zone).fence,
    isInSync: async () => true,
    async applyBatch(batch) {
      const zone = zoneOf(batch.zone);
      let landed = false;
      const land = () => {
        landed = !landed && lands(batch, zone);
      };
      try {
        world().beforeBatch(batch, land);
      } catch (unknown) {
        world().batches.push({ ...batch, landed });
        return { unknown };
      }
      land();
      world().batches.push({ ...batch, landed });
      return landed ? { changeRef: batch.nextFence } : { unknown: new Error('InvalidChangeBatch') };
    },
  };
}

/** Route 53's rules: exact DELETE of what is there, CREATE of what is not, all or nothing. */
function lands(batch: FencedBatch, zone: ZoneState): boolean {
  if (zone.fence !== batch.expectedFence) return false;
  let sets: RecordSet[] = zone.recordSets;
  for (const { action, recordSet } of batch.changes) {
    const there = sets.some((one) => canonicalText(one) === canonicalText(recordSet));
    if (there !== (action === 'DELETE')) return false;
    sets = there
      ? sets.filter((one) => canonicalText(one) !== canonicalText(recordSet))
      : [...sets, recordSet];
  }
  zone.recordSets = sets;
  zone.fence = batch.nextFence;
  return true;
}
