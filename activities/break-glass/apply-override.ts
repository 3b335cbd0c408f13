import type { DnsPlan, Plan } from '../../domain/change/plan.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { DomainError, type Violation } from '../../domain/errors.ts';
import { canonicalBytes, digestOf, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { openEnvelope, openPayload, signStatement } from '../../domain/evidence/statement-codec.ts';
import type { OverrideIntentPredicate } from '../../domain/evidence/statements.ts';
import { signaturesUnder } from '../../domain/evidence/trust.ts';
import { forwardFence, landed, overrideFence, overrideMark } from '../../domain/kinds/dns-fence.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { type CarriedOverride, openOverride, saidIn } from '../../domain/log/override-authority.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { standingAgainst } from '../../domain/override/judge-guards.ts';
import { judgeOverride } from '../../domain/override/judge-override.ts';
import { overrideRecords } from '../../domain/override/override-moves.ts';
import { actionQuestions } from '../../domain/permissions/change-questions.ts';
import { principalOf } from '../../domain/permissions/in-force.ts';
import { expectedFences } from '../dns/fences.ts';
import { awaitInSync } from '../dns/propagation.ts';
import { indexOfFate } from '../fates.ts';
import { openPermissions } from '../permissions.ts';
import { commitDocuments } from './commit-documents.ts';
import { type OverrideBase, planOverrideHere, type RecordsBase } from './plan-override.ts';
import type { BreakGlassPorts } from './ports.ts';

export interface SignedOverride {
  request: ChangeRequest;
  /** One envelope with the signatures of both people. */
  override: Envelope;
  /** Of each of them. */
  factors: Envelope[];
}

export type OverrideResult =
  /**
   * `index`: of the intent, or of the commit of documents, in the log; null when it went to the spool. `fence`: of the zone;
   * null for documents.
   */
  | { result: 'applied'; index: number | null; fence: string | null; plan: Plan }
  | { result: 'refused'; violations: Violation[] };

const ATTEMPTS = 3;

/**
 * Break-glass: verifies the override itself, plans and judges anew on the target as it is. Of a zone it writes ahead (in
 * the log, or in the spool while that is down), and replaces records and fence in one batch; documents go live with one
 * entry (`commitDocuments`). Nothing is written when anything stands
 * against it that the override does not name: every reason comes back at once. Throws what reading and writing the zone
 * throws; `DNS_UNAVAILABLE` when nobody can tell whether the batch landed: then `reconcileSpool` settles it.
 */
export async function applyOverride(ports: BreakGlassPorts, input: SignedOverride): Promise<OverrideResult> {
  const { changeId } = saidIn(input);
  const base = await planOverrideHere(ports, changeId, input.request);
  const carried = openOverride(input, signaturesUnder(base.trust, ports.verify));
  const violations = await judge(ports, carried, base);
  if (violations.length > 0 || base.planned.plan === null) return { result: 'refused', violations };
  return base.target === 'documents'
    ? commitDocuments(ports, { ...input, plan: base.planned.plan, newBodies: base.newBodies })
    : applyToZone(ports, { ...input, plan: base.planned.plan, base });
}

async function applyToZone(ports: BreakGlassPorts, step: Step): Promise<OverrideResult> {
  const { plan, base } = step;
  const written = await writeAhead(ports, step);
  const fence = await replace(ports, step, written.fence);
  await recordOutcome(ports, plan, 'applied', fence, 'landed', base.state === null);
  return { result: 'applied', index: written.index, fence, plan };
}

interface Step extends SignedOverride {
  plan: DnsPlan;
  base: RecordsBase;
}

async function judge(
  ports: BreakGlassPorts,
  { said, keyIds, factors }: CarriedOverride,
  { planned, state, trust }: OverrideBase,
): Promise<Violation[]> {
  const { environment, clock } = ports;
  return [
    ...judgeOverride(said, {
      ...{ environment, keyIds, factors, people: trust.people, services: trust.services },
      planDigest: planned.planDigest ?? '',
      effect: planned.effect,
      used: isUsed(said, state) || (await isSpooled(ports, said)),
      nowMs: clock.nowMs(),
    }),
    ...standingAgainst(planned, said),
    ...(state === null ? [] : await forbiddenTo(ports, said, planned.plan, state)),
  ];
}

/**
 * What the governed policy forbids one of the two. Without the log, or without a policy that can be read, there is none
 * to ask, and their roles in the trust document decide: the glass must break when nothing else works.
 */
async function forbiddenTo(
  ports: BreakGlassPorts,
  { author, approvers }: CarriedOverride['said'],
  plan: Plan | null,
  state: LogState,
): Promise<Violation[]> {
  const { cedar, judge } = await openPermissions(ports, state);
  if (cedar === null || plan === null) return [];
  const trust = trustOf(state);
  return judge(
    approvers.flatMap((one) => actionQuestions(plan, author, principalOf(trust, one), 'override')),
  );
}

function isUsed({ changeId, nonce }: CarriedOverride['said'], state: LogState | null): boolean {
  if (state === null) return false;
  return (
    Object.values(state.overrides).some(({ said }) => said.changeId === changeId || said.nonce === nonce) ||
    [state.changes, state.ended].some((known) => Object.hasOwn(known, changeId))
  );
}

async function isSpooled({ spool }: BreakGlassPorts, said: CarriedOverride['said']): Promise<boolean> {
  const items = await spool.read();
  return items.some((item) => {
    const opened = 'envelope' in item ? openEnvelope(item.envelope) : null;
    if (opened?.type !== 'override-intent') return false;
    const { nonce, changeId } = saidIn(opened.predicate);
    return nonce === said.nonce || changeId === said.changeId;
  });
}

/** Bodies first, then the intent that names them; durable before anything is written to the zone. */
async function writeAhead(
  ports: BreakGlassPorts,
  { request, plan, override, factors, base }: Step,
): Promise<{ index: number | null; fence: string }> {
  const { environment, signer, clock, spool } = ports;
  const bodies = [canonicalBytes(request), canonicalBytes(plan)];
  const mark = overrideMark(digestOfBytes(openPayload(override).payload));
  const expectedFence = base.zone.fence;
  const spooled = base.state === null ? overrideFence(expectedFence, mark) : null;
  const intent: OverrideIntentPredicate = {
    ...{ changeId: plan.changeId, environment, planDigest: digestOf(plan), requestDigest: digestOf(request) },
    ...overrideRecords(plan),
    ...{ expectedFence, fence: spooled, override, factors },
    at: new Date(clock.nowMs()).toISOString(),
  };
  const entry = await signStatement(signer, 'override-intent', intent);
  if (spooled !== null) {
    // Throws for one that the log could not take when it is back.
    encodeEntry(entry);
    await spool.append([...bodies.map((body) => ({ body })), { envelope: entry }]);
    return { index: null, fence: spooled };
  }
  await Promise.all(bodies.map((body) => ports.bodies.put(body)));
  const [fate] = await ports.log.append([entry]);
  const index = indexOfFate(fate);
  return { index, fence: forwardFence(index) };
}

/** The fence that is live once the batch has landed. The same batch again is harmless: it expects the same fence. */
async function replace(ports: BreakGlassPorts, { plan, base }: Step, nextFence: string): Promise<string> {
  const expectedFence = base.zone.fence;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await ports.dns.applyBatch({
      ...{ zone: plan.zone, expectedFence, nextFence },
      changes: plan.stages.flatMap(({ changes }) => changes),
      comment: `${plan.changeId} break-glass`,
    });
    if ('changeRef' in answer) {
      await awaitInSync(ports, answer.changeRef);
      return nextFence;
    }
    const live = await ports.dns.readFence(plan.zone);
    // The live fence may be of an entry that came since.
    const state = base.state === null ? null : await ports.log.sync();
    if (overrideLanded(live, nextFence, state)) {
      await awaitInSync(ports, null);
      return live ?? nextFence;
    }
    if (live !== expectedFence) {
      await recordOutcome(ports, plan, 'not-applied', live, 'another write came first', base.state === null);
      throw new DomainError(
        'STALE_FENCE',
        `Another write to ${plan.zone} came first; its fence is ${live}.`,
        {
          next: 'Nothing was written. Look at the zone, plan again, and have that signed.',
        },
      );
    }
  }
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The batch on ${plan.zone} did not land in ${ATTEMPTS} attempts.`,
    {
      next: 'Run `resilience-ctl override reconcile` before anything else: it looks whether it landed after all.',
    },
  );
}

/** Whether the override that leaves this fence is behind the live one. */
export function overrideLanded(live: string | null, fence: string, state: LogState | null): boolean {
  if (live === null) return false;
  if (live === fence || live.startsWith(`${fence}.`)) return true;
  if (state === null || fence.includes('.')) return false;
  return landed(live, { intentIndex: Number(fence), direction: 'forward' }, expectedFences(state));
}

/** In the log, or in the spool where that is down or goes down just now: it has happened in either case. */
async function recordOutcome(
  { environment, signer, clock, log, spool }: BreakGlassPorts,
  plan: DnsPlan,
  result: 'applied' | 'not-applied',
  fence: string | null,
  reason: string,
  isLogDown: boolean,
): Promise<void> {
  const envelope = await signStatement(signer, 'override-outcome', {
    ...{ changeId: plan.changeId, environment, planDigest: digestOf(plan), result, fence, reason },
    at: new Date(clock.nowMs()).toISOString(),
  });
  if (isLogDown) return spool.append([{ envelope }]);
  try {
    const [fate] = await log.append([envelope]);
    indexOfFate(fate);
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    await spool.append([{ envelope }]);
  }
}
