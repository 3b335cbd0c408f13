import { DomainError } from '../domain/errors.ts';
import { own } from '../domain/log/authority.ts';
import { trustOf } from '../domain/log/state.ts';
import type { ChangeStatus } from '../workflows/contract.ts';
import { history } from './change-history.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { statusFromLog } from './status-from-log.ts';
import { unknownChange } from './unknown-change.ts';

export async function status(parts: ControlPlaneParts, changeId: string): Promise<ChangeStatus> {
  try {
    const said = await parts.engine.status(changeId);
    if (!ENDED.has(said.phase) || (await endedAlike(parts, said))) return said;
    return await recordedStatus(parts, changeId, unknownChange(changeId));
  } catch (error) {
    if (!(error instanceof DomainError) || (error.code !== 'NOT_FOUND' && error.kind !== 'unavailable'))
      throw error;
    return recordedStatus(parts, changeId, error);
  }
}

/** A run that was reset, or started once more by somebody else, knows less than the log about how the change ended. */
async function endedAlike({ log }: ControlPlaneParts, { changeId, phase }: ChangeStatus): Promise<boolean> {
  const ended = own((await log.sync()).ended, changeId);
  return ended === undefined || (ended.status === 'committed') === (phase === 'committed');
}

/** Temporal is the engine and the log is the record: what it says when the engine does not. */
async function recordedStatus(
  parts: ControlPlaneParts,
  changeId: string,
  engineError: DomainError,
): Promise<ChangeStatus> {
  const lines = await history(parts, changeId);
  const recorded = statusFromLog(lines);
  if (recorded === null) throw unknownChange(changeId);
  const request = await parts.readRequest(recorded.requestDigest).catch(() => null);
  const plan = recorded.planDigest && (await parts.readPlan(recorded.planDigest).catch(() => null));
  const { requestDigest: _, ...known } = recorded;
  const described: ChangeStatus = {
    ...known,
    reason: request?.metadata.reason ?? known.reason,
    risk: plan ? plan.risk : null,
    approvalsNeeded: plan ? trustOf(parts.log.lastKnown()).policy.approvals[plan.risk.class].people : 0,
  };
  if (ENDED.has(described.phase)) return described;
  const waitingFor =
    engineError.code === 'NOT_FOUND'
      ? {
          what: 'its start: it is recorded, but the engine does not run it',
          who: `anybody, with \`resilience-ctl submit --resume ${changeId}\``,
        }
      : {
          what: `the engine; this is what the log knows. ${engineError.message}`,
          who: 'whoever runs Temporal and the orchestrator worker',
        };
  return { ...described, waitingFor };
}

const ENDED: ReadonlySet<string> = new Set(['committed', 'rejected', 'rolled-back']);
