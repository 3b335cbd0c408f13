import { DomainError } from '../errors.ts';
import type { VerifySignature } from '../evidence/dsse.ts';
import { openEnvelope, verifiedKeyIds } from '../evidence/statement-codec.ts';
import type {
  OverrideCommitPredicate,
  OverrideEffect,
  OverrideIntentPredicate,
  OverrideMove,
  OverridePredicate,
  ReviewPredicate,
} from '../evidence/statements.ts';
import type { Person, Service, TrustIndex } from '../evidence/trust.ts';
import { type GivenFactor, judgeOverride } from '../override/judge-override.ts';
import type { LogState } from './state.ts';

/** What carries an override out, on records or on documents. */
type Carrier = OverrideIntentPredicate | OverrideCommitPredicate;

/** The override inside a carrier, with the second factors beside it. */
export interface CarriedOverride {
  said: OverridePredicate;
  keyIds: string[];
  factors: GivenFactor[];
}

/** What the two people say, whoever signed it. Throws `ENTRY_MALFORMED` for anything else in its place. */
export function saidIn(carrier: Pick<Carrier, 'override'>): OverridePredicate {
  return openedIn(carrier).predicate;
}

function openedIn({ override }: Pick<Carrier, 'override'>) {
  const opened = openEnvelope(override);
  if (opened.type === 'override') return opened;
  throw stray(`In place of an override is a ${opened.type} statement.`);
}

/** The documents that two people move. Throws as `saidIn`. */
export function movesIn(carrier: OverrideCommitPredicate): OverrideMove[] {
  return saidIn(carrier).moves ?? [];
}

/** What it makes live: of records by its own word, which `judgeCarriedOverride` holds to the two people's. Throws as `saidIn`. */
export function effectIn(carrier: Carrier): OverrideEffect {
  return 'zone' in carrier
    ? { records: { zone: carrier.zone, resources: carrier.resources } }
    : { moves: movesIn(carrier) };
}

/** Throws `ENTRY_MALFORMED` for anything else in their places. */
export function openOverride(
  { override, factors }: Pick<Carrier, 'override' | 'factors'>,
  verify: VerifySignature,
): CarriedOverride {
  const opened = openedIn({ override });
  return {
    said: opened.predicate,
    keyIds: verifiedKeyIds(opened, verify),
    factors: factors.map((envelope) => {
      const factor = openEnvelope(envelope);
      if (factor.type !== 'mfa') throw stray(`In place of a second factor is a ${factor.type} statement.`);
      return { said: factor.predicate, keyIds: verifiedKeyIds(factor, verify) };
    }),
  };
}

/** The break-glass role is not believed that two people agreed: what they signed is inside. */
export function judgeCarriedOverride(
  carrier: Carrier,
  { trust, verify }: { trust: TrustIndex; verify: VerifySignature },
): string | null {
  let carried: CarriedOverride;
  try {
    carried = openOverride(carrier, verify);
  } catch {
    return 'the override inside is malformed';
  }
  const { said, keyIds, factors } = carried;
  if (said.changeId !== carrier.changeId || said.environment !== carrier.environment) {
    return 'the override inside is about another change';
  }
  if ('zone' in carrier !== (said.moves === undefined)) {
    return `the override inside is for ${said.moves === undefined ? 'records' : 'documents'}`;
  }
  const elsewhere =
    'zone' in carrier &&
    carrier.resources.find(({ resource }) => !resource.startsWith(`dns/${carrier.zone}/`));
  if (elsewhere) return `${elsewhere.resource} is no record of ${carrier.zone}`;
  const [reason] = judgeOverride(said, {
    ...{ environment: carrier.environment, keyIds, factors, planDigest: carrier.planDigest },
    effect: effectIn(carrier),
    people: distinct<Person>(trust.personByKey),
    services: distinct<Service>(trust.serviceByKey),
    used: false,
    nowMs: Date.parse(carrier.at),
  });
  return reason ? `the override inside does not count. ${reason.message}` : null;
}

/** A third person: neither who asked for it nor who signed it. */
export function judgeReviewer(
  { changeId, reviewer }: ReviewPredicate,
  keyIds: readonly string[],
  state: LogState,
  trust: TrustIndex,
): string | null {
  const signer = keyIds.map((keyId) => trust.personByKey.get(keyId)).find((one) => one?.subject === reviewer);
  if (!signer?.roles.some((role) => role === 'approver' || role === 'operator')) {
    return `${reviewer} did not sign it, or is neither approver nor operator`;
  }
  const said = Object.hasOwn(state.overrides, changeId) ? state.overrides[changeId]?.said : undefined;
  const involved = said !== undefined && [said.author, ...said.approvers].includes(reviewer);
  return involved ? `${reviewer} took part in the override, and reviews of it are for a third person` : null;
}

function distinct<Holder>(byKey: ReadonlyMap<string, Holder>): Holder[] {
  return [...new Set(byKey.values())];
}

function stray(message: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', message, { next: 'Have two approvers sign an override again.' });
}
