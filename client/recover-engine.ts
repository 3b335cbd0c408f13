import { DomainError, PortError } from '../domain/errors.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { trustOf } from '../domain/log/state.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import type { Person } from './control-plane.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { mayOperate, mustHold } from './may-act.ts';

export async function recover(parts: ControlPlaneParts, reason: string, operator: Person) {
  const { environment, engine, log } = parts;
  const state = await log.sync();
  const trust = trustOf(state);
  mustHold(trust, operator, 'operator');
  const permissions = await parts.permissions(state);
  // As with a freeze: what makes production safer must not wait for a policy that cannot be read.
  if (permissions.cedar !== null) {
    const principal = principalOf(trust, operator.subject);
    mayOperate(permissions, { environment, principal, action: 'recover', scope: '' });
  }
  const entry = await signStatement(operator.signer, 'recovery', {
    environment,
    operator: operator.subject,
    reason,
    nonce: parts.newNonce(),
    at: new Date(parts.nowMs()).toISOString(),
  });
  const [fate] = await log.append([entry]);
  if (fate?.fate !== 'honoured') {
    const why = fate && 'reason' in fate ? fate.reason : 'the log gave no answer';
    throw new DomainError('NOT_PERMITTED', `The recovery was not accepted: ${why}.`, {
      next: 'Check that your key is in the trust document with the role operator.',
    });
  }
  const { index } = fate;
  try {
    return { index, ...(await engine.recover(environment, { causeIndex: index })) };
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    throw new PortError(
      error.code,
      `The recovery is recorded at entry ${index} and not yet done. ${error.message}`,
      { next: 'Start Temporal and every worker, then run the same command again.' },
      error,
    );
  }
}
