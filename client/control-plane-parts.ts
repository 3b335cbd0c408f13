import type { Permissions } from '../activities/permissions.ts';
import type { Planned } from '../activities/planned.ts';
import type { Bodies } from '../activities/ports/bodies.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { LogState } from '../domain/log/state.ts';
import type { ChangeEngine } from './change-engine.ts';

/** What the control plane is made of while there is no gateway: the engine, the log and the target, read here. */
export interface ControlPlaneParts {
  environment: string;
  engine: ChangeEngine;
  log: ChangeLog;
  bodies: Bodies;
  /** Null where the installation names none. */
  factors: FactorVerifier | null;
  readRequest(digest: Digest): Promise<ChangeRequest>;
  readPlan(digest: Digest): Promise<Plan>;
  /** Plans against the zone as it is, exactly as orchestrator and voters do. */
  planHere(
    change: { changeId: string; request: ChangeRequest; requestDigest: Digest },
    state: LogState,
  ): Promise<Planned>;
  /** Who may do what in this state. */
  permissions(state: LogState): Promise<Permissions>;
  nowMs(): number;
  newNonce(): string;
}
