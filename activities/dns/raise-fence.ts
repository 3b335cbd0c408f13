import { DomainError } from '../../domain/errors.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { FencePredicate, FreezeScope } from '../../domain/evidence/statements.ts';
import { forwardFence, isRaisedOver } from '../../domain/kinds/dns-fence.ts';
import { fencedZones } from '../../domain/log/freeze-scope.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { indexOfFate } from '../fates.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import type { CommonPorts } from '../role-ports.ts';
import { awaitInSync } from './propagation.ts';

const ATTEMPTS = 8;

/** A zone in which every batch that was prepared before the cause is refused from now on. */
export interface RaisedFence {
  zone: string;
  /** What is live there: the fence that was raised, or a newer one. */
  fence: string;
}

/**
 * Makes the freeze or the recovery of entry `causeIndex` effective: replaces the fence of every zone in its scope, each
 * written ahead as a `fence` entry, and moves no record. Every zone is tried before the first failure is thrown, and
 * doing it again leaves alone what is done. Throws `NOT_PERMITTED` when that entry is no freeze or recovery that is in
 * force, `ENTRY_MALFORMED` for a fence that this product never wrote, and what the zones and the log throw.
 */
export async function raiseFences(
  ports: CommonPorts & PacedWait,
  { causeIndex }: { causeIndex: number },
): Promise<RaisedFence[]> {
  const state = await ports.log.sync({ atLeast: causeIndex + 1 });
  const { cause, scope } = causeAt(state, causeIndex);
  const zones = fencedZones(
    scope,
    trustOf(state).targets.map(({ zone }) => zone),
  );
  const settled = await Promise.allSettled(zones.map((zone) => raiseFence(ports, zone, cause)));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function causeAt(
  { recovery, automation }: LogState,
  index: number,
): { cause: FencePredicate['cause']; scope: FreezeScope | null } {
  if (recovery?.index === index) return { cause: { type: 'recovery', index }, scope: null };
  const freeze = automation.find((one) => one.index === index && one.state !== 'active');
  if (freeze) return { cause: { type: 'freeze', index }, scope: freeze.scope };
  throw new DomainError('NOT_PERMITTED', `Entry ${index} is no freeze or recovery that is in force.`, {
    next: 'See `resilience-ctl log` for the newest one.',
  });
}

/** A fence of a later entry than the cause is as good: no batch from before the cause expects it. */
async function raiseFence(
  ports: CommonPorts & PacedWait,
  zone: string,
  cause: FencePredicate['cause'],
): Promise<RaisedFence> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const live = await ports.dns.readFence(zone);
    if (live !== null && isRaisedOver(live, cause.index)) return { zone, fence: live };
    const entry = await signStatement(ports.signer, 'fence', {
      environment: ports.environment,
      zone,
      expectedFence: live,
      cause,
      at: new Date(ports.clock.nowMs()).toISOString(),
    });
    const [fate] = await ports.log.append([entry]);
    const answer = await ports.dns.applyBatch({
      zone,
      expectedFence: live,
      nextFence: forwardFence(indexOfFate(fate)),
      changes: [],
      comment: `fence raised for the ${cause.type} of entry ${cause.index}`,
    });
    // Unknown: read again. Either it landed, or another write moved the fence and this is made anew.
    if ('changeRef' in answer) await awaitInSync(ports, answer.changeRef);
  }
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The fence of ${zone} was not raised in ${ATTEMPTS} attempts, for the ${cause.type} of entry ${cause.index}.`,
    { next: 'It is tried again by itself; if this lasts, look at the provider and at the zone.' },
  );
}
