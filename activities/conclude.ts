import type { Violation } from '../domain/errors.ts';
import { boundedReasons } from '../domain/evidence/bounded-reasons.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { EndStatus } from '../domain/evidence/statements.ts';
import { indexOfFate } from './fates.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** A verdict that moves nothing forward (failed, inconclusive) is recorded by itself. */
export async function recordVerdict(
  ports: OrchestratorPorts,
  input: { verdict: Envelope },
): Promise<{ index: number }> {
  const [fate] = await ports.log.append([input.verdict]);
  return { index: indexOfFate(fate) };
}

/**
 * The end of a change that did not commit, after the rulings that the log could not take when they were made. Throws when
 * the log says that production is not as before.
 */
export async function recordEnd(
  ports: OrchestratorPorts,
  input: { changeId: string; status: EndStatus; reasons: Violation[]; unrecorded: Envelope[] },
): Promise<{ index: number }> {
  const end = await signStatement(ports.signer, 'end', {
    changeId: input.changeId,
    environment: ports.environment,
    status: input.status,
    reasons: boundedReasons(input.reasons),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const fates = await ports.log.append([...input.unrecorded, end]);
  return { index: indexOfFate(fates.at(-1)) };
}

export async function page(
  ports: OrchestratorPorts,
  input: { changeId: string; summary: string; next: string },
): Promise<void> {
  await ports.pager.page({ ...input, environment: ports.environment });
}
