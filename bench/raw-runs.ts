import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { QUEUES } from '../workflows/contract.ts';
import { nowMs } from './aws-calls.ts';
import { DECIDE, rawQueue, type Step } from './raw-contract.ts';

export interface RawRun {
  ms: number;
  events: number;
}

/** A raw workflow of `count` activities that do nothing, one after the other. */
export function runSequential(client: Client, count: number): Promise<RawRun> {
  return run(client, 'sequentialActivities', [count], 0);
}

/** A raw workflow with the steps of a change; its updates are sent as those of a change are. */
export function runSameSteps(client: Client, steps: Step[]): Promise<RawRun> {
  const updates = steps.reduce((sum, step) => sum + (step.kind === 'updates' ? step.count : 0), 0);
  return run(client, 'sameSteps', [steps], updates);
}

async function run(client: Client, workflow: string, args: unknown[], updates: number): Promise<RawRun> {
  const startMs = nowMs();
  const handle = await client.workflow.start(workflow, {
    workflowId: `raw-${randomUUID()}`,
    taskQueue: rawQueue(QUEUES.orchestrator),
    args,
  });
  const answers = Array.from({ length: updates }, () => handle.executeUpdate(DECIDE));
  await Promise.all([handle.result(), ...answers]);
  const ms = nowMs() - startMs;
  const { events } = await handle.fetchHistory();
  return { ms, events: events?.length ?? 0 };
}
