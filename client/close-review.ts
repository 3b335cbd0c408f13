import type { ChangeLog } from '../activities/ports/change-log.ts';
import { DomainError } from '../domain/errors.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { own } from '../domain/log/authority.ts';
import type { Person } from './control-plane.ts';

/** Signs that an override was looked at, and closes its review. Throws as `ControlPlane.closeReview`. */
export async function closeReview(
  parts: { environment: string; log: ChangeLog; nowMs(): number; newNonce(): string },
  changeId: string,
  reason: string,
  { subject, signer }: Person,
): Promise<{ index: number }> {
  const { environment, log } = parts;
  const { overrides } = await log.sync();
  const override = own(overrides, changeId);
  if (override === undefined) {
    throw new DomainError('NOT_FOUND', `The log has no override of change ${changeId}.`, {
      next: 'See `resilience-ctl status`; what was done without the log is there after `resilience-ctl override reconcile`.',
    });
  }
  if (override.review !== null) {
    const { reviewer, index } = override.review;
    throw new DomainError('ALREADY_ENDED', `${reviewer} closed its review at entry ${index}.`, {
      next: `See \`resilience-ctl history ${changeId}\`.`,
    });
  }
  const { author, approvers } = override.said;
  if ([author, ...approvers].includes(subject))
    throw notThird(changeId, `${subject} took part in the override`);
  const review = await signStatement(signer, 'review', {
    ...{ changeId, environment, reviewer: subject, reason, nonce: parts.newNonce() },
    at: new Date(parts.nowMs()).toISOString(),
  });
  const [fate] = await log.append([review]);
  if (fate?.fate === 'honoured') return { index: fate.index };
  const why = fate && 'reason' in fate ? fate.reason : 'somebody was faster';
  throw notThird(changeId, why);
}

function notThird(changeId: string, why: string): DomainError {
  return new DomainError('NOT_PERMITTED', `Your review of change ${changeId} does not count: ${why}.`, {
    next: 'A third person closes it: neither who asked for it nor who signed it.',
  });
}
