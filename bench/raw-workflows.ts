import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import { DECIDE, type RawActivities, rawQueue, type Step } from './raw-contract.ts';

function on(queue: string): RawActivities {
  return proxyActivities<RawActivities>({ taskQueue: rawQueue(queue), startToCloseTimeout: '30 seconds' });
}

/** The yardstick: what Temporal asks for `count` activities, one after the other, on the workflow's own queue. */
export async function sequentialActivities(count: number): Promise<void> {
  const { noOp }: RawActivities = proxyActivities<RawActivities>({ startToCloseTimeout: '30 seconds' });
  for (let done = 0; done < count; done += 1) await noOp();
}

/** The steps of a change with nothing in them. */
export async function sameSteps(steps: Step[]): Promise<void> {
  let received = 0;
  let answered = 0;
  setHandler(defineUpdate<void>(DECIDE), async () => {
    received += 1;
    const mine = received;
    await condition(() => answered >= mine);
  });
  for (const step of steps) {
    switch (step.kind) {
      case 'remote':
        await Promise.all(step.queues.map((queue) => on(queue).noOp()));
        break;
      case 'updates':
        await condition(() => received >= answered + step.count);
        answered += step.count;
        break;
    }
  }
}
