import { expect, it } from 'vitest';
import { reconciliationExit, reconciliationText, recoveryText } from '../../../client/cli/reconcile-text.ts';
import { plain } from '../../../client/cli/style.ts';
import type { ReconciledFinding, Reconciliation } from '../../../workflows/contract.ts';

const LOST: ReconciledFinding = {
  rule: 'lost-run',
  subject: 'chg-1',
  message: 'The log has it open and the engine was told to terminate it.',
  action: 'restart',
  remedy: 'See its status.',
  done: 'restarted',
  why: null,
};
const DRIFT: ReconciledFinding = {
  ...LOST,
  rule: 'changed-out-of-band',
  subject: 'dns/example.com/api/A',
  message: 'It is not live as it was committed.',
  action: 'hold',
  remedy: 'Submit a change.',
  done: 'nothing',
};
const UNREAD: ReconciledFinding = { ...DRIFT, rule: 'unread-zone', subject: 'example.com' };
const FAILED: ReconciledFinding = { ...LOST, done: 'failed', why: 'Temporal did not start chg-1.' };

function reconciled(...findings: ReconciledFinding[]): Reconciliation {
  const at = '2026-01-01T00:00:00.000Z';
  return { at, size: 12, openChanges: 1, zones: 2, findings, foundInAll: findings.length };
}

it.each([
  ['nothing was found', [], 0],
  ['all was mended', [LOST], 0],
  ['records were edited', [LOST, DRIFT], 10],
  ['an attempt failed', [FAILED], 10],
  ['only a zone did not answer', [LOST, UNREAD], 9],
  ['a zone did not answer and records were edited', [UNREAD, DRIFT], 10],
])('exit status when %s', (_, findings, status) => {
  expect(reconciliationExit(reconciled(...findings))).toBe(status);
});

it('says in one line that everything agrees', () => {
  expect(reconciliationText(reconciled(), plain)).toBe(
    'Everything agrees (12 entries, 1 open change, 2 zones).\n',
  );
});

it('says of each finding what was done, and what is left to do', () => {
  const text = reconciliationText({ ...reconciled(LOST, DRIFT, FAILED), foundInAll: 7 }, plain);
  expect(text.split('\n').slice(1)).toEqual([
    '',
    '  lost run              chg-1                     restarted',
    '    The log has it open and the engine was told to terminate it.',
    '',
    '  changed out of band   dns/example.com/api/A     for a person',
    '    It is not live as it was committed.',
    '    Next: Submit a change.',
    '',
    '  lost run              chg-1                     failed',
    '    The log has it open and the engine was told to terminate it.',
    '    Failed: Temporal did not start chg-1.',
    '    Next: See its status.',
    '',
    '  and 4 more',
    '',
    '2 of them for a person.',
    '',
  ]);
  expect(text).toMatch(/^7 findings at .* \(12 entries, 1 open change, 2 zones\)\n/);
});

it('of a recovery tells the fences first', () => {
  const raised = [{ zone: 'example.com', fence: '14' }];
  expect(recoveryText({ ...reconciled(LOST), raised, index: 13 }, plain)).toMatch(
    /^Recovery recorded at entry 13\..*\n {2}example\.com +fence 14\n\n1 finding at .*\n/,
  );
});
