import type { DnsPlan } from '../../domain/change/plan.ts';
import { DomainError, type Violation } from '../../domain/errors.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import { groupIn, parseDnsResource } from '../../domain/kinds/dns.ts';
import { landed, rollbackFence } from '../../domain/kinds/dns-fence.ts';
import type { RecordChange, ZoneState } from '../../domain/kinds/dns-records.ts';
import type { ChangeRecord, LogState } from '../../domain/log/state.ts';
import { type RollbackResult, recordRollback } from '../outcomes.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import type { EnactorPorts } from '../role-ports.ts';
import { expectedFences } from './fences.ts';
import { awaitInSync } from './propagation.ts';

const ATTEMPTS = 8;

interface RollbackStep {
  state: LogState;
  change: ChangeRecord;
  plan: DnsPlan;
  intent: ChangeRecord['intents'][number];
}

/**
 * Puts a zone's records back. It alone may build on whatever fence is live, and it always replaces that fence, even
 * when no record has to move: a late forward batch of the same change must find another fence than it expects.
 */
export async function rollBackZone(
  ports: EnactorPorts & PacedWait,
  { state, change, plan, intent }: RollbackStep,
): Promise<RollbackResult> {
  let inSync = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const zone = await ports.dns.readZone(plan.zone);
    if (hasLanded(zone.fence, intent.index, state)) {
      if (!inSync) await awaitInSync(ports, null);
      return recordRollback(ports, intent, zone.fence, !neverLanded(zone.fence, change, state));
    }
    // Where no batch of this change is in the chain, the records are not its to judge: only the fence is replaced.
    const changes = neverLanded(zone.fence, change, state) ? [] : wayBack(plan, zone);
    if (changes === null) return { result: 'stuck', violations: [movedOn(plan)] };
    const answer = await ports.dns.applyBatch({
      zone: plan.zone,
      expectedFence: zone.fence,
      nextFence: rollbackFence(zone.fence, intent.index),
      changes,
      comment: `${plan.changeId} rollback, authorised with intent ${intent.index}`,
    });
    // Unknown: read again. Either it landed, or the fence moved and this batch is made anew.
    if ('changeRef' in answer) {
      await awaitInSync(ports, answer.changeRef);
      inSync = true;
    }
  }
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The rollback on ${plan.zone} did not land in ${ATTEMPTS} attempts.`,
    { next: 'It is tried again by itself.' },
  );
}

/** Whether the fence proves that no stage of the change was ever applied; an unknown chain proves nothing. */
function neverLanded(live: string | null, change: ChangeRecord, state: LogState): boolean {
  try {
    return !change.intents.some(({ index }) =>
      landed(live, { intentIndex: index, direction: 'forward' }, expectedFences(state)),
    );
  } catch (error) {
    if (error instanceof DomainError && error.code === 'ENTRY_MALFORMED') return false;
    throw error;
  }
}

/**
 * With the log down, the live fence may be of an intent that this enactor has not read. Then the answer is no: going
 * back again over exact records changes nothing, while waiting for the log would trap a bad stage (DESIGN §6).
 */
function hasLanded(live: string | null, intentIndex: number, state: LogState): boolean {
  try {
    return landed(live, { intentIndex, direction: 'rollback' }, expectedFences(state));
  } catch (error) {
    if (error instanceof DomainError && error.code === 'ENTRY_MALFORMED') return false;
    throw error;
  }
}

/** The inverse of the stage that is live; empty when the base is; null when neither is. */
function wayBack(plan: DnsPlan, zone: ZoneState): RecordChange[] | null {
  const live = canonicalText(
    plan.resources.map((resource) => groupIn(zone, parseDnsResource(resource.resource, [plan.zone]))),
  );
  if (live === canonicalText(plan.resources.map((resource) => resource.before))) return [];
  const stage = plan.stages.find(
    (one) =>
      live ===
      canonicalText(
        plan.resources.map((resource) => {
          const { name, type } = parseDnsResource(resource.resource, [plan.zone]);
          return one.live.filter((set) => set.name === name && set.type === type);
        }),
      ),
  );
  return stage?.inverse ?? null;
}

function movedOn(plan: DnsPlan): Violation {
  return {
    code: 'ROLLBACK_INCOMPLETE',
    rule: 'world-moved',
    message: `The records of ${plan.changeId} in ${plan.zone} are neither its base nor any stage of its plan.`,
    remedy:
      'Somebody else edited them. Put them to a stage of the plan, or to the base, by hand; then continue.',
  };
}
