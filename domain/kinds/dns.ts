import type { SetBody } from '../change/request.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { RecordChange, RecordGroup, RecordSet, RecordType, ZoneState } from './dns-records.ts';

/** A resource name `dns/<zone>/<label>/<TYPE>`, taken apart. `name` is fully qualified. */
export interface DnsResource {
  resource: string;
  zone: string;
  name: string;
  type: RecordType;
}

export function parseDnsResource(_resource: string, _zones: readonly string[]): DnsResource {
  throw new Error('not written yet');
}
export function groupIn(
  _zone: Pick<ZoneState, 'recordSets'>,
  _resource: Pick<DnsResource, 'name' | 'type'>,
): RecordGroup {
  throw new Error('not written yet');
}
export function groupDigest(_group: RecordGroup): Digest | null {
  throw new Error('not written yet');
}
export function desiredGroup(_resource: DnsResource, _body: SetBody): RecordGroup {
  throw new Error('not written yet');
}
export function canonicalRecordSet(_recordSet: RecordSet): RecordSet {
  throw new Error('not written yet');
}
export function diffGroups(_before: RecordGroup, _after: RecordGroup): RecordChange[] {
  throw new Error('not written yet');
}
export function applyChanges(
  _recordSets: readonly RecordSet[],
  _changes: readonly RecordChange[],
): { recordSets: RecordSet[]; refused: RecordChange[] } {
  throw new Error('not written yet');
}
export function referencesOf(_recordSet: RecordSet): string[] {
  throw new Error('not written yet');
}
