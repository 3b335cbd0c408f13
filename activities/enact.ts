import { type Authorised, authorise, type StageEffect, type StageResult } from './authorised-step.ts';
import { applyBatch } from './dns/apply-batch.ts';
import { exposeVersions } from './documents/expose-versions.ts';
import type { PacedWait } from './ports/paced-wait.ts';
import { openChange } from './recorded-change.ts';
import type { EnactorPorts } from './role-ports.ts';

/**
 * Phase `stages`, the effect. Trusts nobody who called it: verifies the bundle out of its own reading of the log, and
 * only then hands over to the target. Doing it again finds the first one done and changes nothing.
 */
export async function applyStage(ports: EnactorPorts & PacedWait, effect: StageEffect): Promise<StageResult> {
  const state = await ports.log.sync({ atLeast: effect.intentIndex + 1 });
  const change = openChange(state, effect.changeId);
  const verified = await authorise(ports, state, change, effect.intentIndex);
  if ('violations' in verified) return { result: 'refused', violations: verified.violations };
  const { plan } = verified;
  return plan.kind === 'dns'
    ? applyBatch(ports, verified as Authorised<typeof plan>)
    : exposeVersions(ports, verified as Authorised<typeof plan>);
}
