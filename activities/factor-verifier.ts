import { FACTOR_PAYLOAD_TYPE, parseEnrolment } from '../domain/approval/enrolled-factor.ts';
import { type CodeVerdict, judgeCode, lockedUntil, MAX_FAILURES } from '../domain/approval/factor-use.ts';
import { MAX_FACTOR_LIFETIME_MS } from '../domain/approval/judge-second-factor.ts';
import { DomainError, type ErrorCode, PortError } from '../domain/errors.ts';
import { fromBase64 } from '../domain/evidence/base64.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import {
  type Envelope,
  preAuthEncoding,
  type Signer,
  type VerifySignature,
} from '../domain/evidence/dsse.ts';
import {
  openEnvelope,
  openPayload,
  signStatement,
  verifiedKeyIds,
} from '../domain/evidence/statement-codec.ts';
import type { FactorMethod } from '../domain/evidence/statements.ts';
import { type Person, signaturesUnder, type TrustDocument } from '../domain/evidence/trust.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import type { ChangeLog } from './ports/change-log.ts';
import type { Clock } from './ports/clock.ts';
import type { CodeMatcher, FactorStore } from './ports/factor-store.ts';
import type { FactorRequest, FactorVerifier } from './ports/factor-verifier.ts';

export interface FactorVerifierPorts {
  environment: string;
  verify: VerifyEd25519;
  signer: Signer;
  clock: Clock;
  factors: FactorStore;
  match: CodeMatcher;
  /** Says who has which key, and where a lock-out is said to everybody. */
  log: Pick<ChangeLog, 'sync' | 'lastKnown' | 'append'>;
  /** A lock-out holds whether or not it could be logged. */
  onUnlogged(error: unknown): void;
}

/** Of two that race for one person's next code, one reads again. */
const ATTEMPTS = 5;

/**
 * The factor-verifier. The person's signature comes first, so that nobody else can use up tries or learn anything; what
 * is used is durable before anybody is told, so that no code counts twice, here or in another process.
 */
export function createFactorVerifier(ports: FactorVerifierPorts): FactorVerifier {
  return {
    check: async (request) => check(await underTrust(ports), request),
    enrol: async (signed) => enrol(await underTrust(ports), signed),
  };
}

/** With the trust document in force, as far as the log can be read: a second factor is wanted on bad days too. */
type TrustedPorts = Omit<FactorVerifierPorts, 'verify'> & { trust: TrustDocument; verify: VerifySignature };

async function underTrust(ports: FactorVerifierPorts): Promise<TrustedPorts> {
  const trust = trustOf(await freshOrLastKnown(ports.log));
  return { ...ports, trust, verify: signaturesUnder(trust, ports.verify) };
}

async function freshOrLastKnown(log: FactorVerifierPorts['log']): Promise<LogState> {
  try {
    return await log.sync();
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    return log.lastKnown();
  }
}

/** What a code is given for. Break-glass must work where the store is down too; an approval can wait. */
interface Signed {
  changeId: string;
  planDigest: Digest;
  nonce: string;
  isOverride: boolean;
}

async function check(ports: TrustedPorts, { person, signed, code }: FactorRequest): Promise<Envelope> {
  const statement = openSigned(ports, person, signed);
  const commitment = commitmentOf(ports, person);
  const method = await spend(ports, person, commitment, code, statement.isOverride);
  const nowMs = ports.clock.nowMs();
  const { changeId, planDigest, nonce } = statement;
  return signStatement(ports.signer, 'mfa', {
    ...{ changeId, environment: ports.environment, person, planDigest, nonce, method },
    at: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + MAX_FACTOR_LIFETIME_MS).toISOString(),
  });
}

function openSigned(ports: TrustedPorts, person: string, envelope: Envelope): Signed {
  const opened = openEnvelope(envelope);
  if (opened.type !== 'approval' && opened.type !== 'override') {
    throw refusal('NOT_PERMITTED', 'second-factor-for', `A ${opened.type} statement takes no second factor.`);
  }
  const { type, predicate } = opened;
  const signers = type === 'approval' ? [predicate.approver] : predicate.approvers;
  if (predicate.environment !== ports.environment) {
    throw refusal(
      'NOT_PERMITTED',
      'audience',
      `It was signed for ${predicate.environment}; this verifier is of ${ports.environment}.`,
    );
  }
  if (!signers.includes(person) || !isKeyOf(ports, person, verifiedKeyIds(opened, ports.verify))) {
    throw refusal('SIGNATURE_INVALID', 'own-key', `${person} did not sign it.`);
  }
  if (Date.parse(predicate.expiresAt) < ports.clock.nowMs()) {
    throw refusal(
      'APPROVAL_EXPIRED',
      'not-expired',
      `It expired at ${predicate.expiresAt}.`,
      'Sign a new one.',
    );
  }
  const { changeId, planDigest, nonce } = predicate;
  return { changeId, planDigest, nonce, isOverride: type === 'override' };
}

function commitmentOf({ trust }: TrustedPorts, subject: string): Digest {
  const [factor] = personOf(trust, subject)?.secondFactors ?? [];
  if (factor) return factor.commitment as Digest;
  throw refusal(
    'NOT_PERMITTED',
    'second-factor-enrolled',
    `The trust document lists no second factor of ${subject}.`,
    'Make one with `resilience-ctl factor enrol` and have it listed.',
  );
}

async function spend(
  ports: TrustedPorts,
  person: string,
  commitment: Digest,
  code: string,
  isOverride: boolean,
): Promise<FactorMethod> {
  const factor = await ports.factors.factor(person, commitment);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { use, version, isAlone } = await ports.factors.use(person, commitment);
    if (isAlone && !isOverride) throw storeDown();
    const nowMs = ports.clock.nowMs();
    const locked = lockedUntil(use, nowMs);
    if (locked !== null) throw lockedOut(person, locked);
    const judged = judgeCode(use, await ports.match(factor, code, nowMs), nowMs);
    const isNews = judged.use !== use;
    if (isNews && !(await ports.factors.replaceUse(person, commitment, judged.use, version))) continue;
    return conclude(ports, person, judged.verdict);
  }
  throw new PortError('FACTOR_VERIFIER_UNAVAILABLE', `Too many at once give codes for ${person}.`, {
    next: 'Try again.',
  });
}

async function conclude(ports: TrustedPorts, person: string, verdict: CodeVerdict): Promise<FactorMethod> {
  switch (verdict.verdict) {
    case 'accepted':
      return verdict.method;
    case 'used':
      throw refusal(
        'NONCE_REPLAYED',
        'second-factor-used',
        'This code, or a newer one, has been used.',
        'Wait for the next code of your authenticator, at most 30 seconds.',
      );
    case 'wrong':
      throw refusal(
        'NOT_PERMITTED',
        'second-factor-code',
        `This is no code of ${person}; ${verdict.attemptsLeft} more tries before it is locked.`,
        'Check the clock of your telephone; or give a recovery code.',
      );
    case 'locked':
      await logLock(ports, person, verdict);
      throw lockedOut(person, verdict.until);
  }
}

async function logLock(
  ports: TrustedPorts,
  person: string,
  { until, failures }: Extract<CodeVerdict, { verdict: 'locked' }>,
): Promise<void> {
  const { environment, clock, signer, log } = ports;
  const at = new Date(clock.nowMs()).toISOString();
  try {
    await log.append([
      await signStatement(signer, 'factor-lock', { environment, person, failures, until, at }),
    ]);
  } catch (error) {
    ports.onUnlogged(error);
  }
}

function storeDown(): PortError {
  return new PortError('FACTOR_VERIFIER_UNAVAILABLE', 'The store of second factors does not answer.', {
    next: 'Wait until it does; only break-glass goes on without it.',
  });
}

function lockedOut(person: string, until: string): DomainError {
  return refusal(
    'NOT_PERMITTED',
    'second-factor-locked',
    `After ${MAX_FAILURES} wrong codes, none of ${person} is looked at until ${until}.`,
    'Wait, and find out who tried: whoever did has the key of this person. Somebody else may approve meanwhile.',
  );
}

async function enrol(ports: TrustedPorts, envelope: Envelope): Promise<Digest> {
  const { payload, payloadType, signatures } = openPayload(envelope);
  if (payloadType !== FACTOR_PAYLOAD_TYPE) {
    throw refusal('SCHEMA_INVALID', 'enrolment', `A payload of type ${payloadType} enrols nothing.`);
  }
  const { environment, person, factor } = parseEnrolment(payload);
  const signedBy = signatures
    .filter(({ keyid, sig }) => {
      const bytes = fromBase64(sig);
      return bytes !== null && ports.verify(keyid, preAuthEncoding(payloadType, payload), bytes);
    })
    .map(({ keyid }) => keyid);
  if (environment !== ports.environment || !isKeyOf(ports, person, signedBy)) {
    throw refusal('SIGNATURE_INVALID', 'own-key', `${person} did not sign it for ${ports.environment}.`);
  }
  return ports.factors.enrol(person, factor);
}

function isKeyOf({ trust }: TrustedPorts, subject: string, keyIds: readonly string[]): boolean {
  return personOf(trust, subject)?.keys.some(({ keyId }) => keyIds.includes(keyId)) === true;
}

function personOf(trust: TrustDocument, subject: string): Person | undefined {
  return trust.people.find((one) => one.subject === subject);
}

function refusal(
  code: ErrorCode,
  rule: string,
  why: string,
  remedy = 'Sign it with your own key, for this environment.',
): DomainError {
  const message = `The second factor was refused. ${why}`;
  return new DomainError(code, message, { next: remedy, violations: [{ code, rule, message, remedy }] });
}
