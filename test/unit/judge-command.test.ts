import { describe, expect, it } from 'vitest';
import type { ApprovalFacts } from '../../domain/approval/judge-approval.ts';
import { judgeCommand } from '../../domain/approval/judge-command.ts';
import type { CommandPredicate } from '../../domain/evidence/statements.ts';
import { CHANGE_ID, ENVIRONMENT, keyOf, sampleRecord, sampleTrust } from '../support/sample-change.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00.000Z');
const MINUTE_MS = 60_000;
const at = (minutes: number) => new Date(NOW_MS + minutes * MINUTE_MS).toISOString();

function commandBy(person: string, change: Partial<CommandPredicate> = {}): CommandPredicate {
  return {
    changeId: CHANGE_ID,
    environment: ENVIRONMENT,
    person,
    action: 'pause',
    reason: 'an incident',
    nonce: 'fresh',
    issuedAt: at(-5),
    expiresAt: at(10),
    ...change,
  };
}

function judge(command: CommandPredicate, facts: Partial<ApprovalFacts> = {}): string[] {
  const all = {
    change: sampleRecord(),
    ended: false,
    trust: sampleTrust(),
    keyIds: [keyOf(command.person)],
    environment: ENVIRONMENT,
    nowMs: NOW_MS,
  };
  return judgeCommand(command, { ...all, ...facts }).map((one) => `${one.code} ${one.rule}`);
}

describe('judgeCommand', () => {
  it('lets any enrolled person steer, the author and those without a say in approvals too', () => {
    for (const person of ['ada', 'bob', 'dan']) expect(judge(commandBy(person))).toEqual([]);
    expect(judge(commandBy('bob'), { keyIds: [keyOf('bob-2')] })).toEqual([]);
  });

  const used = sampleRecord();
  used.rulings.push({
    changeId: CHANGE_ID,
    environment: ENVIRONMENT,
    accepted: true,
    reasons: [],
    person: 'cyd',
    action: 'abort',
    nonce: 'fresh',
    at: at(-1),
    index: 9,
  });

  it.each<[string, CommandPredicate, Partial<ApprovalFacts>, string[]]>([
    ['a stranger', commandBy('eve'), {}, ['SIGNATURE_INVALID own-key']],
    ["another's name", commandBy('bob'), { keyIds: [keyOf('cyd')] }, ['SIGNATURE_INVALID own-key']],
    ['another environment', commandBy('bob', { environment: 'other' }), {}, ['NOT_PERMITTED audience']],
    ['another change', commandBy('bob', { changeId: 'chg-2' }), {}, ['NOT_PERMITTED audience']],
    ['too late', commandBy('bob', { expiresAt: at(-1) }), {}, ['APPROVAL_EXPIRED not-expired']],
    ['one that lives too long', commandBy('bob', { expiresAt: at(11) }), {}, ['NOT_PERMITTED lifetime']],
    [
      'one from a clock ahead',
      commandBy('bob', { issuedAt: at(0.6) }),
      {},
      ['NOT_PERMITTED not-from-the-future'],
    ],
    ['one that was used by somebody else', commandBy('bob'), { change: used }, ['NONCE_REPLAYED single-use']],
    ['an unknown change', commandBy('bob'), { change: undefined }, ['NOT_FOUND open-change']],
    ['an ended change', commandBy('bob'), { change: undefined, ended: true }, ['ALREADY_ENDED open-change']],
    [
      'all that is wrong at once',
      commandBy('eve', { environment: 'other', expiresAt: at(-1) }),
      { change: undefined },
      [
        'NOT_PERMITTED audience',
        'SIGNATURE_INVALID own-key',
        'APPROVAL_EXPIRED not-expired',
        'NOT_FOUND open-change',
      ],
    ],
  ])('refuses %s', (_, command, facts, reasons) => {
    expect(judge(command, facts)).toEqual(reasons);
  });
});
