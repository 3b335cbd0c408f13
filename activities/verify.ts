import type { Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { zoneDifferences } from './dns/read-back.ts';
import { documentDifferences } from './documents/read-back.ts';
import { loadPlan } from './recorded-change.ts';
import type { CommonPorts } from './role-ports.ts';

/** Phase `verify`, and the end of a rollback: what is live, read back, is what the plan says. */
export async function verifyLive(
  ports: CommonPorts,
  input: { planDigest: Digest; expect: 'after' | 'before' },
): Promise<{ violations: Violation[] }> {
  const plan = await loadPlan(ports.bodies, input.planDigest);
  const violations =
    plan.kind === 'dns'
      ? await zoneDifferences(ports.dns, plan, input.expect)
      : documentDifferences(await ports.log.sync(), plan, input.expect);
  return { violations };
}
