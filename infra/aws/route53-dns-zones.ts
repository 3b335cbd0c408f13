import {
  type Change,
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  type ListResourceRecordSetsCommandInput,
  type ResourceRecordSet,
  type Route53Client,
  type RRType,
} from '@aws-sdk/client-route-53';
import type { DnsZones, FencedBatch } from '../../activities/ports/dns-zones.ts';
import { PortError } from '../../domain/errors.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { canonicalRecordSet } from '../../domain/kinds/dns.ts';
import { fenceName } from '../../domain/kinds/dns-fence.ts';
import {
  RECORD_TYPES,
  type RecordChange,
  type RecordSet,
  type ZoneState,
} from '../../domain/kinds/dns-records.ts';
import { canonicalName } from '../../domain/kinds/dns-syntax.ts';
import { isCertainRefusal, toPortError } from './aws-errors.ts';

/** Route 53 developer guide, `ChangeResourceRecordSets`: changes reach all servers within 60 seconds as a rule. */
const WORST_PROPAGATION_MS = 60_000;
const STABLE_ATTEMPTS = 6;
/** Nobody resolves the fence; a DELETE must name its TTL, so it is always the same. */
const FENCE_TTL_SECONDS = 60;
/** Route 53 API, `ChangeBatch.Comment`. */
const MAX_COMMENT_CHARACTERS = 256;

/** Fields of a record set that this product can express; any other makes it opaque. */
const EXPRESSIBLE_FIELDS: ReadonlySet<string> = new Set([
  'Name',
  'Type',
  'TTL',
  'ResourceRecords',
  'SetIdentifier',
  'Weight',
]);

/** Hosted zones of Route 53. */
export function createRoute53DnsZones(input: {
  reader: Route53Client;
  /** `createRoute53Writer`: one try. */
  writer: Route53Client;
  /** Of the trust document in force. */
  targets(): TrustDocument['targets'];
  /** Shorter for an emulator, which propagates at once. */
  worstPropagationMs?: number;
}): DnsZones {
  /**
   * Zone → canonical text of a record set → how the provider spells it. A DELETE must repeat the spelling that is
   * stored, and whoever edited the zone by hand need not have used the canonical one.
   */
  const spellings = new Map<string, Map<string, ResourceRecordSet>>();

  function hostedZoneId(zone: string): string {
    const target = input.targets().find((one) => one.zone === zone);
    if (target) return target.hostedZoneId;
    throw new PortError('NOT_FOUND', `The zone ${zone} is not in the trust document.`, {
      next: 'Add the zone and its hosted zone id to the trust document, or correct the name.',
    });
  }

  async function list(zone: string, from: Omit<ListResourceRecordSetsCommandInput, 'HostedZoneId'>) {
    const HostedZoneId = hostedZoneId(zone);
    try {
      return await input.reader.send(new ListResourceRecordSetsCommand({ HostedZoneId, ...from }));
    } catch (error) {
      throw toPortError('dns', `read the zone ${zone}`, error);
    }
  }

  async function readPages(zone: string): Promise<{ recordSets: ResourceRecordSet[]; pageCount: number }> {
    const recordSets: ResourceRecordSet[] = [];
    let page = await list(zone, {});
    for (let pageCount = 1; ; pageCount += 1) {
      recordSets.push(...(page.ResourceRecordSets ?? []));
      if (!page.IsTruncated) return { recordSets, pageCount };
      page = await list(zone, {
        StartRecordName: page.NextRecordName,
        StartRecordType: page.NextRecordType,
        ...(page.NextRecordIdentifier ? { StartRecordIdentifier: page.NextRecordIdentifier } : {}),
      });
    }
  }

  /** One answer is one instant; between pages a write can come, so then the fence before, in and after must agree. */
  async function readZone(zone: string): Promise<ZoneState> {
    let before: string | null | undefined;
    for (let attempt = 0; attempt < STABLE_ATTEMPTS; attempt += 1) {
      const { recordSets, pageCount } = await readPages(zone);
      const state = toZoneState(zone, recordSets);
      if (pageCount === 1) return state;
      const after = await readFence(zone);
      if (before !== undefined && before === state.fence && state.fence === after) return state;
      before = after;
    }
    throw new PortError(
      'DNS_UNAVAILABLE',
      `The fence of ${zone} moved during each of ${STABLE_ATTEMPTS} readings.`,
      { next: 'Nothing was changed; it is read again by itself.' },
    );
  }

  function toZoneState(zone: string, raws: readonly ResourceRecordSet[]): ZoneState {
    const state: ZoneState = { zone, fence: null, recordSets: [], opaque: [] };
    const spelled = new Map<string, ResourceRecordSet>();
    for (const raw of raws) {
      const recordSet = toRecordSet(raw);
      if (isFence(raw, zone)) {
        state.fence = fenceOf(raw);
      } else if (recordSet) {
        state.recordSets.push(recordSet);
        spelled.set(canonicalText(recordSet), raw);
      } else {
        state.opaque.push({
          name: canonicalName(raw.Name ?? ''),
          type: raw.Type ?? '',
          ...(raw.SetIdentifier === undefined ? {} : { setIdentifier: raw.SetIdentifier }),
        });
      }
    }
    spellings.set(zone, spelled);
    return state;
  }

  async function readFence(zone: string): Promise<string | null> {
    const page = await list(zone, { StartRecordName: fenceName(zone), StartRecordType: 'TXT', MaxItems: 1 });
    const [found] = page.ResourceRecordSets ?? [];
    return found && isFence(found, zone) ? fenceOf(found) : null;
  }

  async function applyBatch(batch: FencedBatch): Promise<{ changeRef: string } | { unknown: unknown }> {
    const HostedZoneId = hostedZoneId(batch.zone);
    const spelled = spellings.get(batch.zone);
    const ChangeBatch = {
      Comment: batch.comment.slice(0, MAX_COMMENT_CHARACTERS),
      Changes: [
        ...(batch.expectedFence === null ? [] : [fenceChange('DELETE', batch.zone, batch.expectedFence)]),
        fenceChange('CREATE', batch.zone, batch.nextFence),
        ...batch.changes.map((change) => toChange(change, spelled)),
      ],
    };
    try {
      const answer = await input.writer.send(
        new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch }),
      );
      const changeRef = answer.ChangeInfo?.Id;
      return changeRef === undefined ? { unknown: new Error('The answer names no change.') } : { changeRef };
    } catch (error) {
      const failure = toPortError('dns', `write the zone ${batch.zone}`, error);
      if (isCertainRefusal(failure)) throw failure;
      return { unknown: failure };
    }
  }

  async function isInSync(changeRef: string): Promise<boolean> {
    try {
      const answer = await input.reader.send(new GetChangeCommand({ Id: changeRef }));
      return answer.ChangeInfo?.Status === 'INSYNC';
    } catch (error) {
      throw toPortError('dns', `ask for the batch ${changeRef}`, error);
    }
  }

  const worstPropagationMs = input.worstPropagationMs ?? WORST_PROPAGATION_MS;
  return { worstPropagationMs, readZone, readFence, applyBatch, isInSync };
}

/** Null when it holds something that we could not write back exactly. */
function toRecordSet(raw: ResourceRecordSet): RecordSet | null {
  const { Name, TTL, ResourceRecords, SetIdentifier, Weight } = raw;
  const type = RECORD_TYPES.find((one) => one === raw.Type);
  const fields = Object.entries(raw).filter(([, value]) => value !== undefined);
  if (Name === undefined || TTL === undefined || ResourceRecords === undefined || type === undefined)
    return null;
  if (fields.some(([field]) => !EXPRESSIBLE_FIELDS.has(field))) return null;
  if ((SetIdentifier === undefined) !== (Weight === undefined)) return null;
  return canonicalRecordSet({
    name: Name,
    type,
    ttlSeconds: TTL,
    values: ResourceRecords.map(({ Value }) => Value ?? ''),
    ...(SetIdentifier === undefined || Weight === undefined
      ? {}
      : { setIdentifier: SetIdentifier, weight: Weight }),
  });
}

function toChange({ action, recordSet }: RecordChange, spelled?: Map<string, ResourceRecordSet>): Change {
  const stored = action === 'DELETE' ? spelled?.get(canonicalText(canonicalRecordSet(recordSet))) : undefined;
  return { Action: action, ResourceRecordSet: stored ?? fromRecordSet(recordSet) };
}

function fromRecordSet(recordSet: RecordSet): ResourceRecordSet {
  const { name, type, ttlSeconds, values, setIdentifier, weight } = recordSet;
  return {
    Name: `${name}.`,
    Type: type satisfies RRType,
    TTL: ttlSeconds,
    ResourceRecords: values.map((Value) => ({ Value })),
    SetIdentifier: setIdentifier,
    Weight: weight,
  };
}

function fenceChange(action: RecordChange['action'], zone: string, fence: string): Change {
  const values = [`"${fence}"`];
  return {
    Action: action,
    ResourceRecordSet: fromRecordSet({
      name: fenceName(zone),
      type: 'TXT',
      ttlSeconds: FENCE_TTL_SECONDS,
      values,
    }),
  };
}

function isFence(raw: ResourceRecordSet, zone: string): boolean {
  return raw.Type === 'TXT' && canonicalName(raw.Name ?? '') === fenceName(zone);
}

/** The bare value. What somebody else made of the record comes back as it is, and is then refused as a fence. */
function fenceOf(raw: ResourceRecordSet): string {
  const text = (raw.ResourceRecords ?? []).map(({ Value }) => Value ?? '').join(' ');
  return /^"([^"]*)"$/.exec(text)?.[1] ?? text;
}
