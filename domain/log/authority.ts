import { MAX_APPROVAL_LIFETIME_MS } from '../approval/judge-approval.ts';
import type { VerifySignature } from '../evidence/dsse.ts';
import { type OpenedStatement, openEnvelope, verifiedKeyIds } from '../evidence/statement-codec.ts';
import type { AcceptancePredicate } from '../evidence/statements.ts';
import type { PersonRole, ServiceRole, TrustIndex } from '../evidence/trust.ts';
import type { LogState } from './state.ts';

/** How far a person's clock may be ahead of the one that logs the acceptance. */
const CLOCK_ALLOWANCE_MS = 60_000;

export interface Judge {
  trust: TrustIndex;
  verify: VerifySignature;
}

/**
 * Whether somebody who may say this did sign it: null, or why not. The signature is what gives an entry its
 * meaning; whoever put it into the log has none.
 */
export function judgeAuthority(statement: OpenedStatement, state: LogState, judge: Judge): string | null {
  const keyIds = verifiedKeyIds(statement, judge.verify);
  if (keyIds.length === 0) return 'no signature of a key of the trust document verifies';
  const { type, predicate } = statement;
  const signedBy = (role: ServiceRole) => services(keyIds, role, judge.trust).length > 0;
  switch (type) {
    case 'request':
      return isPerson(keyIds, predicate.author, 'author', judge.trust)
        ? null
        : `${predicate.author} did not sign it, or may not author changes`;
    case 'freeze':
    case 'recovery':
      return isPerson(keyIds, predicate.operator, 'operator', judge.trust)
        ? null
        : `${predicate.operator} did not sign it, or is no operator`;
    case 'approval':
      return 'an approval counts only inside an acceptance';
    case 'version':
      return 'a version counts only as the body that a commit names';
    case 'vote': {
      const own = services(keyIds, 'voter', judge.trust).some(
        ({ name, voterZone }) => name === predicate.voter && voterZone === predicate.voterZone,
      );
      return own ? null : `${predicate.voter} of ${predicate.voterZone} did not sign it`;
    }
    case 'stage-verdict':
    case 'resumption':
      return signedBy('analysis') ? null : 'only the analysis role may say this';
    case 'outcome':
    case 'commit':
    case 'fence':
      return signedBy('enactor') ? null : 'only the enactor may say this';
    case 'acceptance':
      if (!signedBy('orchestrator')) return 'only the orchestrator may say this';
      return predicate.accepted ? judgeAccepted(predicate, state, judge) : null;
    case 'trust':
    case 'plan':
    case 'intent':
    case 'end':
    case 'snapshot':
      return signedBy('orchestrator') ? null : 'only the orchestrator may say this';
  }
}

/** The orchestrator is not believed that a person approved: the person's own signature is inside. */
function judgeAccepted(acceptance: AcceptancePredicate, state: LogState, judge: Judge): string | null {
  let opened: OpenedStatement;
  try {
    opened = openEnvelope(acceptance.approval);
  } catch {
    return 'the approval inside is malformed';
  }
  if (opened.type !== 'approval') return `inside is no approval but a ${opened.type} statement`;
  const approval = opened.predicate;
  const same =
    approval.changeId === acceptance.changeId &&
    approval.environment === acceptance.environment &&
    approval.planDigest === acceptance.planDigest &&
    approval.nonce === acceptance.nonce &&
    approval.approver === acceptance.approver &&
    approval.decision === acceptance.decision;
  if (!same) return 'the approval inside says something else';
  if (!isPerson(verifiedKeyIds(opened, judge.verify), approval.approver, 'approver', judge.trust)) {
    return `${approval.approver} did not sign the approval inside, or may not approve`;
  }
  if (own(state.changes, acceptance.changeId)?.request.author === approval.approver) {
    return `${approval.approver} is the author`;
  }
  const [issued, arrives, expires] = [approval.issuedAt, acceptance.at, approval.expiresAt].map(Date.parse);
  if (issued === undefined || arrives === undefined || expires === undefined) return 'it has no times';
  if (expires - issued > MAX_APPROVAL_LIFETIME_MS)
    return 'the approval inside is valid for more than 15 minutes';
  if (arrives > expires || arrives < issued - CLOCK_ALLOWANCE_MS)
    return 'the approval inside was not valid then';
  return null;
}

function isPerson(keyIds: string[], subject: string, role: PersonRole, trust: TrustIndex): boolean {
  return keyIds.some((keyId) => {
    const person = trust.personByKey.get(keyId);
    return person?.subject === subject && person.roles.includes(role);
  });
}

function services(keyIds: string[], role: ServiceRole, trust: TrustIndex) {
  return keyIds.flatMap((keyId) => {
    const service = trust.serviceByKey.get(keyId);
    return service?.role === role ? [service] : [];
  });
}

/** A property of the record itself: names come from outside, and `constructor` is one. */
export function own<Value>(record: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
