import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { closedRuns } from '../../infra/temporal/closed-runs.ts';

/** As the engine's raw calls fail. */
function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'as the server says it', metadata: {} });
}

/** An engine whose newest run is `second`, which continues `first`; `histories` has what it still knows of them. */
function engine(histories: Record<string, Error | { continuedExecutionRunId: string | null }>): Client {
  const getHandle = (_: string, runId = 'second') => ({
    describe: async () => ({ status: { name: 'COMPLETED' }, runId }),
    fetchHistory: async () => {
      const found = histories[runId];
      if (found === undefined || found instanceof Error) throw found;
      return { events: [{ eventType: 1, workflowExecutionStartedEventAttributes: found }] };
    },
  });
  return { workflow: { getHandle } } as unknown as Client;
}

const SECOND = { continuedExecutionRunId: 'first' };

test('the runs of a change are told first run first', async () => {
  const known = engine({ first: { continuedExecutionRunId: null }, second: SECOND });
  expect(await closedRuns(known, 'chg')).toMatchObject([{ runId: 'first' }, { runId: 'second' }]);
});

test.each([
  ['as a raw call fails', grpcError(5)],
  ['as a translated one does', new WorkflowNotFoundError('gone', 'chg', 'second')],
])('what is forgotten between two questions is forgotten, %s', async (_, gone) => {
  expect(await closedRuns(engine({ second: gone }), 'chg')).toBe('forgotten');
  expect(await closedRuns(engine({ second: SECOND, first: gone }), 'chg')).toMatchObject([
    { runId: 'second' },
  ]);
});

test('an engine that is away is not one that has forgotten', async () => {
  await expect(closedRuns(engine({ second: grpcError(14) }), 'chg')).rejects.toThrow('14');
});
