import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, makeTelemetryFilterString, ReplayError, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import type { ChangeHistory } from '../activities/ports/history-archive.ts';
import { loadWorkflowBundle } from './role-worker.ts';

type Event = NonNullable<ReturnType<typeof historyFromJSON>['events']>[number];

/**
 * Replays a recorded history of a change against the workflows of this build. Null when every command is the recorded
 * one; else where it went another way, or why it is no history of this change. Nobody signed it: it may be anything.
 */
export async function replayHistory(
  { runId, history }: ChangeHistory,
  changeId: string,
): Promise<string | null> {
  let events: Event[];
  try {
    events = historyFromJSON(history).events ?? [];
  } catch (error) {
    return `it is no history of a workflow: ${error instanceof Error ? error.message : String(error)}`;
  }
  const about = changeIn(events[0]);
  if (about !== changeId) return `it is the history of ${about ?? 'no change'}`;
  // The engine's replay would wait for more, for ever.
  if (!events.some((event) => event.workflowTaskCompletedEventAttributes))
    return 'it is cut off before the workflow did anything';
  keepQuiet();
  try {
    await Worker.runReplayHistory({ workflowBundle: await loadWorkflowBundle() }, { events }, runId);
    return null;
  } catch (error) {
    if (error instanceof DeterminismViolationError || error instanceof ReplayError) return error.message;
    throw error;
  }
}

/** In the first argument of the workflow (`ChangeInput`). Null for what did not start one. */
function changeIn(started: Event | undefined): string | null {
  const data = started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  try {
    const input: unknown = JSON.parse(new TextDecoder().decode(data ?? new Uint8Array()));
    const named = typeof input === 'object' && input !== null && 'changeId' in input ? input.changeId : null;
    return typeof named === 'string' ? named : null;
  } catch {
    return null;
  }
}

/** The engine's library writes to standard error unless it is told otherwise, once a process. */
function keepQuiet(): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('ERROR', () => {}),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'IllegalStateError') throw error;
  }
}
