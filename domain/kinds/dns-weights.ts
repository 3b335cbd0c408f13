import type { RecordGroup, RecordSet } from './dns-records.ts';

export type Arm = 'stable' | 'canary';

export function stageArms(_base: RecordGroup, _final: RecordGroup, _percent: number): RecordGroup | null {
  throw new Error('not written yet');
}
export function armOf(_recordSet: Pick<RecordSet, 'setIdentifier'>): Arm | null {
  throw new Error('not written yet');
}
