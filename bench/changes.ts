import type { Client } from '@temporalio/client';
import { openPerson } from '../client/compose.ts';
import type { ControlPlane } from '../client/control-plane.ts';
import type { Installation } from '../client/installation.ts';
import { type ChangeRequest, parseChangeRequest } from '../domain/change/request.ts';
import type { ChangeResult } from '../workflows/contract.ts';
import { type AwsCall, nowMs } from './aws-calls.ts';
import type { Step } from './raw-contract.ts';
import { ZONE } from './stack.ts';

export interface ChangeRun {
  span: AwsCall;
  ms: number;
  events: number;
  steps: Step[];
}

/** Runs whole changes: submitted, voted on, approved by two people, staged, watched, verified, committed. */
export class ChangeRunner {
  readonly #plane: ControlPlane;
  readonly #installation: Installation;
  readonly #client: Client;
  readonly #port: number;
  #done = 0;

  constructor(plane: ControlPlane, installation: Installation, client: Client, port: number) {
    this.#plane = plane;
    this.#installation = installation;
    this.#client = client;
    this.#port = port;
  }

  /**
   * Nobody is waited for: what a person does before (looking at the plan) and the clock's start come first, and the
   * two approvals are sent as soon as the change runs. From submitting to the end of its workflow.
   */
  async run(stages: number[]): Promise<ChangeRun> {
    const changeId = `change-${this.#done}`;
    const request = this.#request(stages);
    const [alice, bob, carol] = (['alice', 'bob', 'carol'] as const).map((subject) =>
      openPerson(this.#installation, subject),
    );
    const { plan, violations } = await this.#plane.plan(changeId, request);
    if (!plan || violations.length > 0 || !alice || !bob || !carol) {
      throw new Error(`No change to measure: ${violations.map((one) => one.message).join('; ')}`);
    }
    const handle = this.#client.workflow.getHandle(changeId);

    const startMs = nowMs();
    await this.#plane.submit(changeId, request, alice);
    const answering = [bob, carol].map((person) =>
      this.#plane.decide(changeId, { decision: 'approve', plan }, person),
    );
    const refused = (await Promise.all(answering)).flatMap(({ reasons }) => reasons);
    // Without its approvals the change would wait for ever.
    if (refused.length > 0) throw new Error(`An approval was refused: ${messagesOf(refused)}`);
    const result: ChangeResult = await handle.result();
    const endMs = nowMs();
    if (result.status !== 'committed') {
      throw new Error(`${changeId} ended as ${result.status}: ${messagesOf(result.violations)}`);
    }
    this.#done += 1;
    const { events } = await handle.fetchHistory();
    return {
      span: { startMs, endMs },
      ms: endMs - startMs,
      events: events?.length ?? 0,
      steps: stepsOf(events ?? []),
    };
  }

  /**
   * One of two targets changes each time; the other stays, or one stage of 100 % would be refused. The bake is as
   * short as one can be: 0 s, and one sample of each arm, still probed, judged, signed and recorded.
   */
  #request(stages: number[]): ChangeRequest {
    return parseChangeRequest({
      apiVersion: 'resilience-ctl/v1',
      kind: 'ChangeRequest',
      metadata: { environment: 'bench', reason: 'Measure a whole change' },
      spec: {
        operations: [
          {
            set: `dns/${ZONE}/static/A`,
            body: { ttl: 0, values: ['127.0.0.1', this.#done % 2 === 0 ? '127.0.0.2' : '127.0.0.4'] },
          },
        ],
        // What submitting fills in: the plan that the approvers saw before is then the plan that is made.
        clock: this.#done,
        vector: this.#done === 0 ? {} : { bench: this.#done },
        rollout: {
          stages,
          bakeSeconds: 0,
          minimumSamples: 1,
          probe: { port: this.#port, host: `static.${ZONE}` },
        },
      },
    });
  }
}

function messagesOf(reasons: readonly { message: string }[]): string {
  return reasons.map((one) => one.message).join('; ');
}

type HistoryEvent = NonNullable<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']
>[number];

/** What a change asked of Temporal, so that a raw workflow can ask for the same. */
function stepsOf(events: readonly HistoryEvent[]): Step[] {
  const steps: Step[] = [];
  let scheduledBy: unknown;
  for (const event of events) {
    const last = steps.at(-1);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (event.workflowExecutionUpdateCompletedEventAttributes) {
      if (last?.kind === 'updates') last.count += 1;
      else steps.push({ kind: 'updates', count: 1 });
    } else if (scheduled) {
      const queue = scheduled.taskQueue?.name ?? '';
      const by = String(scheduled.workflowTaskCompletedEventId);
      if (last?.kind === 'remote' && by === scheduledBy) last.queues.push(queue);
      else steps.push({ kind: 'remote', queues: [queue] });
      scheduledBy = by;
    }
  }
  return steps;
}
