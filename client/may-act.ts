import type { Permissions } from '../activities/permissions.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import type { PersonRole, TrustDocument } from '../domain/evidence/trust.ts';
import { type Principal, permissionContextSchema } from '../domain/permissions/permission.ts';
import type { Person } from './control-plane.ts';

/** Said here, before anything is written, because the log would only call such an entry inert. */
export function mustHold(trust: TrustDocument, person: Person, role: PersonRole): void {
  if (!mustBeEnrolled(trust, person).roles.includes(role)) {
    const message = `${person.subject} does not have the role ${role}.`;
    throw new DomainError('NOT_PERMITTED', message, { next: ASK_TO_ENROL });
  }
}

/** Before anything is signed: orchestrator, voters and enactor ask the same, each with their own copy. */
export function refuseEarly(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  throw new DomainError(first.code, first.message, { next: first.remedy, violations });
}

export function mustBeEnrolled(trust: TrustDocument, person: Person): TrustDocument['people'][number] {
  const known = trust.people.find((one) => one.subject === person.subject);
  if (known?.keys.some((key) => key.keyId === person.signer.keyId)) return known;
  const message = `The key ${person.signer.keyId} is not a key of ${person.subject} in this environment.`;
  throw new DomainError('SIGNATURE_INVALID', message, { next: ASK_TO_ENROL });
}

const ASK_TO_ENROL = 'Ask whoever keeps the trust document to enrol this person, key and role.';

/** Whether the governed policy lets an operator do this to the environment. Throws with every reason why not. */
export function mayOperate(
  { judge }: Permissions,
  asked: {
    environment: string;
    principal: Principal;
    action: 'freeze' | 'resume' | 'recover';
    scope: string;
  },
): void {
  const { environment, principal, action, scope } = asked;
  const context = permissionContextSchema.parse({ environment, scope });
  refuseEarly(judge([{ principal, action, resource: `environment/${environment}`, context }]));
}
