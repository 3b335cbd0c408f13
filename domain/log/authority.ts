import { judgeSecondFactor } from '../approval/judge-second-factor.ts';
import { judgeValidity } from '../approval/validity.ts';
import { digestOf } from '../evidence/canonical-json.ts';
import type { VerifySignature } from '../evidence/dsse.ts';
import { type OpenedStatement, openEnvelope, verifiedKeyIds } from '../evidence/statement-codec.ts';
import type { AcceptancePredicate, ApprovalPredicate, RulingPredicate } from '../evidence/statements.ts';
import {
  indexTrust,
  type PersonRole,
  type ServiceRole,
  signaturesUnder,
  type TrustDocument,
  type TrustIndex,
} from '../evidence/trust.ts';
import { judgeContent, judgeSigners, rootSigners } from '../evidence/trust-succession.ts';
import { judgeCarriedOverride, judgeReviewer } from './override-authority.ts';
import type { VerifyEd25519 } from './signed-note.ts';
import type { LogState } from './state.ts';

/** One trust document, made ready to judge by. */
export interface Judge {
  document: TrustDocument;
  trust: TrustIndex;
  /** By the keys of its people and services. */
  verify: VerifySignature;
  verifyEd25519: VerifyEd25519;
}

/** Throws `SCHEMA_INVALID` for a document in which a key has two holders. */
export function judgeUnder(document: TrustDocument, verifyEd25519: VerifyEd25519): Judge {
  const verify = signaturesUnder(document, verifyEd25519);
  return { document, trust: indexTrust(document), verify, verifyEd25519 };
}

/**
 * Whether somebody who may say this did sign it: null, or why not. The signature is what gives an entry its
 * meaning; whoever put it into the log has none.
 */
export function judgeAuthority(statement: OpenedStatement, state: LogState, judge: Judge): string | null {
  if (statement.type === 'trust') return judgeTrust(statement, state, judge);
  const keyIds = verifiedKeyIds(statement, judge.verify);
  if (keyIds.length === 0) return 'no signature of a key of the trust document verifies';
  const { type, predicate } = statement;
  const unlessBy = (role: ServiceRole) => unlessSignedBy(role, keyIds, judge.trust);
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
    case 'mfa':
      return 'a second factor counts only beside the approval that it was given for';
    case 'command':
      return 'a command counts only inside a ruling';
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
      return unlessBy('analysis');
    case 'outcome':
    case 'commit':
    case 'fence':
      return unlessBy('enactor');
    case 'override':
      return 'an override counts only inside what carries it out';
    case 'override-intent':
    case 'override-commit':
      return unlessBy('break-glass') ?? judgeCarriedOverride(predicate, judge);
    case 'override-outcome':
      return unlessBy('break-glass');
    case 'review':
      return judgeReviewer(predicate, keyIds, state, judge.trust);
    case 'factor-lock':
      return unlessBy('factor-verifier');
    case 'acceptance':
    case 'ruling':
      return unlessBy('orchestrator') ?? (predicate.accepted ? judgeCarried(statement, state, judge) : null);
    case 'plan':
    case 'intent':
    case 'end':
    case 'snapshot':
      return unlessBy('orchestrator');
  }
}

/** The orchestrator may repeat the pinned document. For another one no role's key counts, only those of the two roots. */
function judgeTrust(
  statement: Extract<OpenedStatement, { type: 'trust' }>,
  { trustInForce }: LogState,
  { document, trust, verify, verifyEd25519 }: Judge,
): string | null {
  const { predicate } = statement;
  if (predicate.previousDigest === null) {
    if (digestOf(predicate.document) !== trustInForce.digest)
      return 'it names another trust document than the pinned one';
    return unlessSignedBy('orchestrator', verifiedKeyIds(statement, verify), trust);
  }
  const violations = [
    ...judgeContent(document, predicate),
    ...judgeSigners(document, predicate, rootSigners(document, statement, verifyEd25519)),
  ];
  return violations.length === 0 ? null : violations.map(({ message }) => message).join(' ');
}

type Carrier = Extract<OpenedStatement, { type: 'acceptance' | 'ruling' }>;

/** The orchestrator is not believed that a person said something: the person's own signature is inside. */
function judgeCarried(carrier: Carrier, state: LogState, judge: Judge): string | null {
  const { type, predicate } = carrier;
  let inside: OpenedStatement;
  try {
    inside = openEnvelope(type === 'acceptance' ? predicate.approval : predicate.command);
  } catch {
    return 'the statement inside is malformed';
  }
  const refusal =
    type === 'acceptance'
      ? judgeAccepted(predicate, inside, state, judge)
      : judgeRuled(predicate, inside, judge);
  if (refusal !== null) return refusal;
  if (inside.type !== 'approval' && inside.type !== 'command') return null;
  const [invalid] = judgeValidity(inside.predicate, Date.parse(predicate.at));
  return invalid ? `the ${inside.type} inside was not valid then. ${invalid.message}` : null;
}

function judgeAccepted(
  acceptance: AcceptancePredicate,
  inside: OpenedStatement,
  state: LogState,
  judge: Judge,
): string | null {
  if (inside.type !== 'approval') return `inside is no approval but a ${inside.type} statement`;
  const approval = inside.predicate;
  const same =
    approval.changeId === acceptance.changeId &&
    approval.environment === acceptance.environment &&
    approval.planDigest === acceptance.planDigest &&
    approval.nonce === acceptance.nonce &&
    approval.approver === acceptance.approver &&
    approval.decision === acceptance.decision;
  if (!same) return 'the approval inside says something else';
  if (!isPerson(verifiedKeyIds(inside, judge.verify), approval.approver, 'approver', judge.trust)) {
    return `${approval.approver} did not sign the approval inside, or may not approve`;
  }
  if (own(state.changes, acceptance.changeId)?.request.author === approval.approver) {
    return `${approval.approver} is the author`;
  }
  return judgeFactorOf(acceptance, approval, judge);
}

/** That it is there is for the policy to ask; that it is real is asked wherever it is. */
function judgeFactorOf(
  { mfa: envelope, at }: AcceptancePredicate,
  approval: ApprovalPredicate,
  { trust, verify }: Judge,
): string | null {
  if (envelope === undefined) return null;
  let opened: OpenedStatement;
  try {
    opened = openEnvelope(envelope);
  } catch {
    return 'the second factor inside is malformed';
  }
  if (opened.type !== 'mfa') return `in place of a second factor is a ${opened.type} statement`;
  const { changeId, environment, planDigest, nonce, approver: person } = approval;
  const enrolled = [...trust.personByKey.values()].some(
    ({ subject, secondFactors }) => subject === person && secondFactors.length > 0,
  );
  const [reason] = judgeSecondFactor(opened.predicate, {
    ...{ person, changeId, environment, planDigest, nonce, enrolled, nowMs: Date.parse(at) },
    byVerifier: services(verifiedKeyIds(opened, verify), 'factor-verifier', trust).length > 0,
  });
  return reason?.message ?? null;
}

function judgeRuled(ruling: RulingPredicate, inside: OpenedStatement, judge: Judge): string | null {
  if (inside.type !== 'command') return `inside is no command but a ${inside.type} statement`;
  const command = inside.predicate;
  const same =
    command.changeId === ruling.changeId &&
    command.environment === ruling.environment &&
    command.nonce === ruling.nonce &&
    command.person === ruling.person &&
    command.action === ruling.action;
  if (!same) return 'the command inside says something else';
  const signers = verifiedKeyIds(inside, judge.verify).map((keyId) => judge.trust.personByKey.get(keyId));
  return signers.some((signer) => signer?.subject === command.person)
    ? null
    : `${command.person} did not sign the command inside`;
}

function isPerson(keyIds: string[], subject: string, role: PersonRole, trust: TrustIndex): boolean {
  return keyIds.some((keyId) => {
    const person = trust.personByKey.get(keyId);
    return person?.subject === subject && person.roles.includes(role);
  });
}

function unlessSignedBy(role: ServiceRole, keyIds: string[], trust: TrustIndex): string | null {
  return services(keyIds, role, trust).length > 0 ? null : `only the role ${role} may say this`;
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
