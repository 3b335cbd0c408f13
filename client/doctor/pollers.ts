import type { Client } from '@temporalio/client';
import { PortError } from '../../domain/errors.ts';
import type { Poller } from './surroundings.ts';

const ANSWER_WITHIN_MS = 5_000;
/** `TaskQueueType` of Temporal's API. */
const TASK_QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/**
 * Who asked a task queue for work in the last minutes, for workflows or for activities. Throws `ENGINE_UNAVAILABLE`
 * when the server does not answer or does not know the namespace.
 */
export async function readPollers(
  client: Client,
  { address, namespace }: { address: string; namespace: string },
  queue: string,
): Promise<Poller[]> {
  try {
    const answers = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      Promise.all(
        Object.values(TASK_QUEUE_TYPES).map((taskQueueType) =>
          client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType }),
        ),
      ),
    );
    const seen = new Map<string, number>();
    for (const { identity, lastAccessTime } of answers.flatMap(({ pollers }) => pollers ?? [])) {
      const lastSeenMs = Number(lastAccessTime?.seconds ?? 0) * 1000;
      if (identity) seen.set(identity, Math.max(lastSeenMs, seen.get(identity) ?? 0));
    }
    return [...seen].map(([identity, lastSeenMs]) => ({ identity, lastSeenMs }));
  } catch (error) {
    throw new PortError(
      'ENGINE_UNAVAILABLE',
      `Temporal at ${address} does not answer for the namespace ${namespace}: ${error instanceof Error ? error.message : String(error)}.`,
      { next: 'Check that it runs, its address and its namespace. Freezes and break-glass do not need it.' },
      error,
    );
  }
}
