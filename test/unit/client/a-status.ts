import type { ChangeStatus } from '../../../workflows/contract.ts';

/** A change halfway through its second stage. */
export function aStatus(parts: Partial<ChangeStatus> = {}): ChangeStatus {
  return {
    changeId: 'chg-1',
    environment: 'demo',
    author: 'alice',
    reason: 'because',
    phase: 'stages',
    held: null,
    waitingFor: null,
    resources: ['dns/example.com/api/A'],
    risk: { score: 10, class: 'standard', reasons: [{ points: 10, reason: 'moves the API' }] },
    planDigest: `sha256:${'a'.repeat(64)}`,
    votes: [
      { voter: 'voter.us-east-1a', decision: 'yes', reasons: [] },
      { voter: 'voter.us-east-1b', decision: 'no-answer', reasons: [] },
    ],
    approvalsNeeded: 1,
    approvals: [{ approver: 'bob', decision: 'approve', at: '2026-03-01T12:00:00.000Z' }],
    stages: [
      {
        name: '1%',
        percent: 1,
        state: 'passed',
        intentIndex: 10,
        verdict: { verdict: 'pass', reasons: ['as good as before'] },
      },
      {
        name: '50%',
        percent: 50,
        state: 'baking',
        intentIndex: 12,
        appliedAt: '2026-03-01T12:00:10.000Z',
        bakeEndsAt: '2026-03-01T12:00:20.000Z',
      },
      { name: 'final', percent: 100, state: 'pending' },
    ],
    undo: [{ activity: 'rollBack', input: { changeId: 'chg-1', stage: '50%', intentIndex: 12 } }],
    violations: [],
    timeline: [
      { phase: 'submitted', at: '2026-03-01T11:59:00.000Z' },
      { phase: 'stages', at: '2026-03-01T12:00:05.000Z' },
    ],
    ...parts,
  };
}
