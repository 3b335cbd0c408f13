import { describe, expect, it } from 'vitest';
import { type LifecycleEvent, nextPhase, PHASES, type Phase } from '../../domain/change/lifecycle.ts';

const EVENTS: LifecycleEvent[] = ['passed', 'refused', 'aborted', 'regressed', 'votes-aged', 'restored'];

function movesFrom(phase: Phase): Phase[] {
  return EVENTS.flatMap((event) => {
    try {
      return [nextPhase(phase, event)];
    } catch {
      return [];
    }
  });
}

function reachableFrom(phase: Phase): Set<Phase> {
  const reached = new Set([phase]);
  for (const one of reached) for (const next of movesFrom(one)) reached.add(next);
  return reached;
}

describe('lifecycle', () => {
  it('passes through every phase in the order in which they are listed', () => {
    const path: Phase[] = ['submitted'];
    while (path.at(-1) !== 'committed') path.push(nextPhase(path.at(-1) ?? 'submitted', 'passed'));
    expect(path).toEqual([...PHASES.slice(0, PHASES.indexOf('commit') + 1), 'committed']);
  });

  it('ends without a rollback only while nothing is live', () => {
    for (const phase of PHASES.slice(0, PHASES.indexOf('stages'))) {
      expect(nextPhase(phase, 'refused')).toBe('rejected');
      expect(nextPhase(phase, 'aborted')).toBe('rejected');
    }
    for (const phase of ['stages', 'verify', 'commit'] as const) {
      expect(nextPhase(phase, 'aborted')).toBe('rolling-back');
    }
    expect(nextPhase('stages', 'refused')).toBe('rejected');
    expect(nextPhase('stages', 'regressed')).toBe('rolling-back');
    expect(nextPhase('verify', 'regressed')).toBe('rolling-back');
    expect(nextPhase('commit', 'refused')).toBe('rolling-back');
    expect(nextPhase('rolling-back', 'restored')).toBe('rolled-back');
  });

  it('votes again when approval took long', () => {
    expect(nextPhase('approval', 'votes-aged')).toBe('quorum');
  });

  it.each(['committed', 'rejected', 'rolled-back'] as const)('%s is an end', (phase) => {
    expect(movesFrom(phase)).toEqual([]);
    expect(() => nextPhase(phase, 'aborted')).toThrow(`phase ${phase} cannot be aborted`);
  });

  it('reaches every phase, and an end from each', () => {
    expect([...reachableFrom('submitted')].sort()).toEqual([...PHASES].sort());
    const ends = ['committed', 'rejected', 'rolled-back'] as const;
    for (const phase of PHASES) expect(ends.some((end) => reachableFrom(phase).has(end))).toBe(true);
  });

  it('gives up no rollback', () => {
    expect(() => nextPhase('rolling-back', 'aborted')).toThrow('possible here: restored');
  });
});
