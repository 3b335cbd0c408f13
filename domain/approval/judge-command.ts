import type { ErrorCode, Violation } from '../errors.ts';
import type { CommandPredicate } from '../evidence/statements.ts';
import type { StatementFacts } from './judge-approval.ts';
import { judgeValidity } from './validity.ts';

/**
 * Whether a command is its signer's to give, judged when it arrives (see `judgeApproval`). Any enrolled person may
 * steer: a command holds a change, lets it be watched again or sends it back, and never takes it past a guard.
 * Returns every violation; never throws.
 */
export function judgeCommand(command: CommandPredicate, facts: StatementFacts): Violation[] {
  const { change, ended, trust, keyIds, environment, nowMs } = facts;
  const { person, changeId } = command;
  const signers = trust.people.filter(({ keys }) => keys.some(({ keyId }) => keyIds.includes(keyId)));
  return [
    ...expect(
      command.environment === environment,
      'NOT_PERMITTED',
      'audience',
      `It was signed for the environment ${command.environment}, this is ${environment}.`,
      'Sign one for this environment.',
    ),
    ...expect(
      change === undefined || changeId === change.changeId,
      'NOT_PERMITTED',
      'audience',
      `It was signed for change ${changeId}, this is ${change?.changeId}.`,
      'Sign one for this change.',
    ),
    ...expect(
      signers.some(({ subject }) => subject === person),
      'SIGNATURE_INVALID',
      'own-key',
      `It is not signed with a key of ${person}.`,
      'Sign it with a key that the trust document lists as your own.',
    ),
    ...judgeValidity(command, nowMs),
    ...expect(
      change !== undefined && !ended,
      ended ? 'ALREADY_ENDED' : 'NOT_FOUND',
      'open-change',
      ended ? `Change ${changeId} is over.` : `The log has no open change ${changeId}.`,
      ended ? 'Nothing is left to steer.' : 'Check the id and the environment.',
    ),
    ...expect(
      change?.rulings.some(({ nonce }) => nonce === command.nonce) !== true,
      'NONCE_REPLAYED',
      'single-use',
      `Its nonce ${command.nonce} has been used.`,
      'Sign a new one.',
    ),
  ];
}

function expect(holds: boolean, code: ErrorCode, rule: string, message: string, remedy: string): Violation[] {
  return holds ? [] : [{ code, rule, message, remedy }];
}
