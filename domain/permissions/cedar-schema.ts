import { RISK_CLASSES } from '../change/risk.ts';
import { PERSON_ROLES } from '../evidence/trust.ts';
import { DOCUMENT_KINDS } from '../kinds/documents.ts';
import { SWITCH_DIRECTIONS } from '../kinds/switch.ts';
import { CHANGE_ACTIONS, ENVIRONMENT_ACTIONS } from './permission.ts';

const oneOf = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(', ');

/**
 * What policies may speak of, in Cedar's schema language. Roles, kinds, risk classes and directions are enumerated
 * entities (Cedar RFC 53), so that a misspelt one is found when the policy is read: a `forbid` that speaks of a role
 * that nobody can have would protect nothing.
 */
export const CEDAR_SCHEMA = `
entity Role enum [${oneOf(PERSON_ROLES)}];
entity Kind enum [${oneOf(['dns', ...DOCUMENT_KINDS])}];
entity Risk enum [${oneOf(RISK_CLASSES)}];
entity Direction enum [${oneOf(SWITCH_DIRECTIONS)}];
entity Team;
entity Person in [Role, Team];
entity Environment;
entity Resource = {
  name: String,
  kind: Kind,
  author: Person,
  owners: Set<Person>,
  ownerTeams: Set<Team>,
  direction: Direction,
};

type Change = {
  environment: Environment,
  risk: Risk,
  kinds: Set<Kind>,
  approvals: Long,
};

action ${CHANGE_ACTIONS.join(', ')} appliesTo {
  principal: Person,
  resource: Resource,
  context: Change,
};

action ${ENVIRONMENT_ACTIONS.join(', ')} appliesTo {
  principal: Person,
  resource: Environment,
  context: { environment: Environment, scope: String },
};
`;
