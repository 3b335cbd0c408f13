import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import type { Plan } from '../domain/change/plan.ts';
import { DomainError, PortError } from '../domain/errors.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';

/** Whether an approval of this plan counts only with a second factor. */
export function asksSecondFactor({ policy }: TrustDocument, plan: Plan): boolean {
  return policy.approvals[plan.risk.class].secondFactor;
}

/** The `mfa` statement for what a person has just signed. Throws what `FactorVerifier.check` throws. */
export function proveFactor(
  verifier: FactorVerifier | null,
  request: Parameters<FactorVerifier['check']>[0],
): Promise<Envelope> {
  if (verifier !== null) return verifier.check(request);
  throw noFactorVerifier();
}

export function noFactorVerifier(): PortError {
  return new PortError('FACTOR_VERIFIER_UNAVAILABLE', 'This installation names no factor-verifier.', {
    next: 'Put `factorVerifierUrl` into the installation file.',
  });
}

export function codeMissing(changeId: string, plan: Plan): DomainError {
  const rule = 'second-factor';
  const message = `An approval of a change of class ${plan.risk.class} needs a second factor. Nothing was sent.`;
  const remedy = `Approve with the code of your authenticator: \`resilience-ctl approve ${changeId} --code 123456\`.`;
  return new DomainError('NOT_PERMITTED', message, {
    next: remedy,
    violations: [{ code: 'NOT_PERMITTED', rule, message, remedy }],
  });
}
