import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { OutcomePredicate } from '../domain/evidence/statements.ts';
import type { ChangeRecord } from '../domain/log/state.ts';
import { indexOfFate } from './fates.ts';
import type { EnactorPorts } from './role-ports.ts';

type Intent = ChangeRecord['intents'][number];

/** Appends what became of an intent (or of its inverse) and returns the time it says. */
export async function recordOutcome(
  ports: EnactorPorts,
  intent: Intent,
  direction: OutcomePredicate['direction'],
  result: OutcomePredicate['result'],
  fence: string | null,
  reason: string,
): Promise<string> {
  const at = new Date(ports.clock.nowMs()).toISOString();
  const outcome = await signStatement(ports.signer, 'outcome', {
    changeId: intent.changeId,
    environment: ports.environment,
    planDigest: intent.planDigest,
    stage: intent.stage,
    intentIndex: intent.index,
    direction,
    result,
    fence,
    reason,
    at,
  });
  const [fate] = await ports.log.append([outcome]);
  indexOfFate(fate);
  return at;
}
