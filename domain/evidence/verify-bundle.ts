import type { Plan } from '../change/plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import type { ChangeRecord } from '../log/state.ts';
import type { Digest } from './canonical-json.ts';
import type { TrustDocument } from './trust.ts';

export interface Bundle {
  /** The fold's own record: every statement in it was signature-verified by whoever folded. */
  change: ChangeRecord;
  request: ChangeRequest;
  requestDigest: Digest;
  plan: Plan;
  planDigest: Digest;
  trust: TrustDocument;
  intentIndex: number;
  ended: boolean;
}

export function verifyBundle(_bundle: Bundle): Violation[] {
  throw new Error('not written yet');
}

export type RollbackBundle = Pick<Bundle, 'change' | 'plan' | 'planDigest' | 'intentIndex'>;

export function verifyRollbackBundle(_bundle: RollbackBundle): Violation[] {
  throw new Error('not written yet');
}
