import { type Client, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ChangeHistory } from './audit/evidence-source.ts';

const ANSWER_WITHIN_MS = 10_000;

/** Every run of a change's workflow that Temporal still knows, newest first; none when it does not answer. */
export async function fetchHistories(client: Client, changeId: string): Promise<ChangeHistory[]> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      const found: ChangeHistory[] = [];
      for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${changeId}"` })) {
        const history = await client.workflow.getHandle(changeId, runId).fetchHistory();
        found.push({ runId, history: JSON.parse(historyToJSON(history)) as unknown });
      }
      return found;
    });
  } catch (error) {
    // Evidence is the log; a history is for `audit replay` alone, and may be gone.
    if (error instanceof ServiceError || error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}
