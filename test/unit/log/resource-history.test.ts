import { expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Said } from '../../../domain/evidence/statement-codec.ts';
import type { CommitPredicate } from '../../../domain/evidence/statements.ts';
import { resourceHistory } from '../../../domain/log/resource-history.ts';
import { SAMPLES, sampleMove } from '../../support/sample-log.ts';

const PAYMENTS = 'config/payments/timeouts';

function commit(version: string, rollout: CommitPredicate['rollout'] = null, resource = PAYMENTS): Said {
  const moves = [
    sampleMove({ resource: 'schema/x' }),
    sampleMove({ resource, version, to: digestOf(version) }),
  ];
  return { type: 'commit', predicate: { ...SAMPLES.commit, zone: null, moves, rollout } };
}

test('the history of a resource is its moves, oldest first, and what became of each', () => {
  const entries: Said[] = [
    { type: 'request', predicate: SAMPLES.request },
    commit('1.0.0'),
    commit('1.0.0', null, 'config/checkout/timeouts'),
    commit('1.1.0', { stage: '10%', percent: 10, zones: [] }),
    commit('1.1.0', { stage: 'a', percent: 0, zones: ['a'] }),
    commit('1.1.0', { stage: '10%', percent: 0, zones: [] }),
    commit('1.2.0'),
  ];
  const history = resourceHistory(
    entries.map((said, i) => ({ index: 10 + i, said })),
    PAYMENTS,
  );
  expect(history.map(({ index, version, effect }) => [index, version, effect])).toEqual([
    [11, '1.0.0', 'live'],
    [13, '1.1.0', 'exposed'],
    [14, '1.1.0', 'exposed'],
    [15, '1.1.0', 'withdrawn'],
    [16, '1.2.0', 'live'],
  ]);
  expect(history[1]).toMatchObject({
    to: digestOf('1.1.0'),
    changeId: SAMPLES.commit.changeId,
    at: SAMPLES.commit.at,
  });
});
