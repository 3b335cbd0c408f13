import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ChangeHistory } from '../../activities/ports/history-archive.ts';

/**
 * Every run of a workflow that has ended, first run first: from the last, by the event with which a run says what it
 * continues. `open` while it runs; `forgotten` where the engine does not know it, or no longer.
 */
export async function closedRuns(
  client: Client,
  workflowId: string,
): Promise<ChangeHistory[] | 'open' | 'forgotten'> {
  const runs: ChangeHistory[] = [];
  try {
    const { status, runId } = await client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return 'open';
    for (let next: string | null | undefined = runId; next; ) {
      const history = await client.workflow.getHandle(workflowId, next).fetchHistory();
      runs.unshift({ runId: next, history: JSON.parse(historyToJSON(history)) as unknown });
      next = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    }
    return runs;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // The engine forgets the oldest run first.
    return runs.length > 0 ? runs : 'forgotten';
  }
}

const GRPC_NOT_FOUND = 5;

/** A run that is forgotten between the two questions is not found by a raw one: `fetchHistory` does not translate. */
function isNotFound(error: unknown): boolean {
  return (
    error instanceof WorkflowNotFoundError || (isGrpcServiceError(error) && error.code === GRPC_NOT_FOUND)
  );
}
