import { DomainError, type Violation } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { type Said, signStatement } from '../../domain/evidence/statement-codec.ts';
import { decodeEntry, encodeEntry } from '../../domain/log/entry.ts';
import { saidIn } from '../../domain/log/override-authority.ts';
import type { LogState, OverrideRecord } from '../../domain/log/state.ts';
import { codeOf, indexOfFate } from '../fates.ts';
import { overrideLanded } from './apply-override.ts';
import type { BreakGlassPorts } from './ports.ts';

export interface Reconciled {
  /** Entries of the log that now hold what the spool held, in its order. */
  entries: number[];
  bodies: number;
  /** Overrides whose outcome nobody had recorded, as the fence shows it. */
  settled: { changeId: string; result: 'applied' | 'not-applied' }[];
}

/**
 * Brings what break-glass wrote ahead of a log that was down into that log, and settles what it left open. Again is
 * harmless: an entry that is there already is not written twice. Throws what the log throws, `DIGEST_MISMATCH` and
 * `ENTRY_MALFORMED` for a spool that was edited, and then puts nothing aside. What does not count keeps nothing else out:
 * the rest is brought to the log, the spool is put aside where a person finds it, and then it throws, with every one of
 * them as a violation, under the code of the first; the next call settles.
 */
export async function reconcileSpool(ports: BreakGlassPorts): Promise<Reconciled> {
  const items = await ports.spool.read();
  const entries: number[] = [];
  const leftOut: Violation[] = [];
  let bodies = 0;
  for (const [at, item] of items.entries()) {
    if ('body' in item) {
      await ports.bodies.put(item.body);
      bodies += 1;
      continue;
    }
    const brought = await bring(ports, item.envelope, at + 1);
    if (typeof brought === 'number') entries.push(brought);
    else leftOut.push(brought);
  }
  const [first] = leftOut;
  if (first) throw notCounted(await ports.spool.retire('not-counted'), leftOut, first.code, entries);
  if (items.length > 0) await ports.spool.retire('reconciled');
  return { entries, bodies, settled: await settle(ports, await ports.log.sync()) };
}

/** The index at which it counts, or why it does not. */
async function bring(ports: BreakGlassPorts, envelope: Envelope, line: number): Promise<number | Violation> {
  const said = saidBy(envelope);
  if (said instanceof DomainError) return leftOut(line, said.code, said.message);
  const [fate] = await ports.log.append([envelope]);
  const what = `The ${said.type}${'changeId' in said.predicate ? ` of change ${said.predicate.changeId}` : ''}`;
  if (fate?.fate === 'void' || fate?.fate === 'inert') {
    return leftOut(line, codeOf(fate), `${what} does not count at entry ${fate.index}: ${fate.reason}`);
  }
  const index = indexOfFate(fate);
  return isHeld(said, ports.log.lastKnown())
    ? index
    : leftOut(line, 'ALREADY_ENDED', `${what} is not what entry ${index} says, which came first.`);
}

function saidBy(envelope: Envelope): Said | DomainError {
  try {
    return decodeEntry(encodeEntry(envelope));
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

/** A duplicate has the key of what is in the log; it may say something else. */
function isHeld(said: Said, state: LogState): boolean {
  if (said.type === 'override-intent') {
    const held = state.overrides[said.predicate.changeId];
    return held !== undefined && digestOf(held.said) === digestOf(saidIn(said.predicate));
  }
  if (said.type === 'override-outcome') {
    const { changeId, planDigest, result } = said.predicate;
    const held = state.overrides[changeId]?.outcome;
    return held?.planDigest === planDigest && held.result === result;
  }
  return true;
}

function leftOut(line: number, code: Violation['code'], message: string): Violation {
  return {
    ...{ code, rule: 'spool-counts', path: `line ${line}`, message },
    remedy:
      'Find out who made the entry that came first, or why this one may not count, and have it reviewed.',
  };
}

function notCounted(
  file: string,
  violations: Violation[],
  code: Violation['code'],
  entries: readonly number[],
): DomainError {
  const others = entries.length === 0 ? 'Nothing else was in it' : `The rest is, at ${entries.join(', ')}`;
  const lines =
    violations.length === 1 ? '1 line of the spool is' : `${violations.length} lines of the spool are`;
  return new DomainError(code, `${lines} not in the log. ${others}.`, {
    next: `Page: production may have changed without a review. The whole spool is kept in ${file}; to try again, give it its name back. Then run \`resilience-ctl override reconcile\` again: it settles what is open.`,
    violations,
  });
}

async function settle(ports: BreakGlassPorts, state: LogState): Promise<Reconciled['settled']> {
  const settled: Reconciled['settled'] = [];
  for (const override of Object.values(state.overrides)) {
    const { intent, outcome } = override;
    if (outcome !== null || intent.zone === null) continue;
    const result = await settleOne(ports, { ...intent, zone: intent.zone }, state);
    if (result !== null) settled.push({ changeId: override.intent.changeId, result });
  }
  return settled;
}

/** Null where the fence that it expects is still live: its batch may be on its way. */
async function settleOne(
  { dns, signer, environment, clock, log }: BreakGlassPorts,
  intent: OverrideRecord['intent'] & { zone: string },
  state: LogState,
): Promise<'applied' | 'not-applied' | null> {
  const { changeId, planDigest, zone, expectedFence, index } = intent;
  const live = await dns.readFence(zone);
  const has = overrideLanded(live, intent.fence ?? String(index), state);
  if (!has && live === expectedFence) return null;
  const result = has ? 'applied' : 'not-applied';
  const envelope = await signStatement(signer, 'override-outcome', {
    ...{ changeId, environment, planDigest, result, fence: live },
    reason: 'settled by the fence',
    at: new Date(clock.nowMs()).toISOString(),
  });
  const [fate] = await log.append([envelope]);
  indexOfFate(fate);
  return result;
}
