/** In the order in which a change goes through them; the last three end it. */
export const PHASES = [
  'submitted',
  'schema',
  'causal',
  'plan',
  'quorum',
  'approval',
  'stages',
  'verify',
  'commit',
  'rolling-back',
  'committed',
  'rejected',
  'rolled-back',
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * What happened in a phase.
 * `refused`: a guard, the quorum, a person or the log said no. `aborted`: somebody asked for the end.
 * `regressed`: what is live is not well, or not what the plan says. `votes-aged`: approval took so long that the
 * quorum must look again. `underway`: an earlier run of the change was lost when it had begun to write. `restored`:
 * production reads as before.
 */
export type LifecycleEvent =
  | 'passed'
  | 'refused'
  | 'aborted'
  | 'regressed'
  | 'votes-aged'
  | 'underway'
  | 'restored';

const REFUSABLE = { refused: 'rejected', aborted: 'rejected' } as const;

/**
 * Before `stages` nothing is live, unless an earlier run was lost, so there is nothing to undo; from there on only a
 * rollback leads out.
 */
const MOVES: Record<Phase, Partial<Record<LifecycleEvent, Phase>>> = {
  submitted: { passed: 'schema', ...REFUSABLE },
  schema: { passed: 'causal', underway: 'rolling-back', ...REFUSABLE },
  causal: { passed: 'plan', ...REFUSABLE },
  plan: { passed: 'quorum', ...REFUSABLE },
  quorum: { passed: 'approval', ...REFUSABLE },
  approval: { passed: 'stages', 'votes-aged': 'quorum', ...REFUSABLE },
  // Refused: the enactor, or the log, turned the first stage down and nothing of the change is live.
  stages: { passed: 'verify', refused: 'rejected', aborted: 'rolling-back', regressed: 'rolling-back' },
  verify: { passed: 'commit', aborted: 'rolling-back', regressed: 'rolling-back' },
  // Refused: the commit entry is void, because a precondition does not hold at its index.
  commit: { passed: 'committed', refused: 'rolling-back', aborted: 'rolling-back' },
  // Passed: it turned out to be committed already.
  'rolling-back': { restored: 'rolled-back', passed: 'committed' },
  committed: {},
  rejected: {},
  'rolled-back': {},
};

/**
 * The phase that follows. An illegal move is a bug in the caller, never a person's mistake, so it throws a plain
 * `Error`: in the workflow that stops the task, and the change waits as it is for a corrected build.
 */
export function nextPhase(phase: Phase, event: LifecycleEvent): Phase {
  const next = MOVES[phase][event];
  if (next === undefined) {
    const legal = Object.keys(MOVES[phase]).join(', ') || 'none, the change is over';
    throw new Error(
      `A change in phase ${phase} cannot be ${event}; possible here: ${legal}. Correct the caller.`,
    );
  }
  return next;
}
