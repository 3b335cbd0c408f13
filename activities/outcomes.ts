import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { OutcomePredicate } from '../domain/evidence/statements.ts';
import { landed } from '../domain/kinds/dns-fence.ts';
import type { ChangeRecord, LogState } from '../domain/log/state.ts';
import { expectedFences } from './enact.ts';
import { indexOfFate } from './fates.ts';
import type { EnactorPorts } from './role-ports.ts';

type Intent = ChangeRecord['intents'][number];

/** Appends what became of an intent (or of its inverse) and returns the time it says. */
export async function recordOutcome(
  ports: EnactorPorts,
  change: Pick<ChangeRecord, 'changeId'>,
  intent: Intent,
  direction: OutcomePredicate['direction'],
  result: OutcomePredicate['result'],
  fence: string | null,
  reason: string,
): Promise<string> {
  const at = new Date(ports.clock.nowMs()).toISOString();
  const outcome = await signStatement(ports.signer, 'outcome', {
    changeId: change.changeId,
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

/**
 * Whoever comes next appends the outcomes that are missing (DESIGN §6), before its own effect. Only what the fence
 * proves: an intent that still expects the live fence may be in flight and is left alone.
 */
export async function settleOutcomes(
  ports: EnactorPorts,
  state: LogState,
  live: string | null,
  zone: string,
  ownIntentIndex: number,
): Promise<void> {
  const fenceOf = expectedFences(state);
  for (const change of Object.values(state.changes)) {
    for (const intent of change.intents) {
      const known = change.outcomes.some((one) => one.intentIndex === intent.index);
      if (known || intent.zone !== zone || intent.index === ownIntentIndex || intent.expectedFence === live)
        continue;
      const result = landed(live, { intentIndex: intent.index, direction: 'forward' }, fenceOf)
        ? 'applied'
        : 'not-applied';
      await recordOutcome(
        ports,
        change,
        intent,
        'forward',
        result,
        live,
        `settled on behalf of intent ${intent.index}`,
      );
    }
  }
}
