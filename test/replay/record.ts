import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { MESSAGES } from '../../workflows/contract.ts';
import { FakeWorld, orderOf } from '../support/fake-world.ts';
import { type ChangeUnderTest, Engine, openTimeSkippingServer } from '../support/workflow-environment.ts';

/**
 * Records the histories that every build must be able to replay: `node test/replay/record.ts`. Run it on purpose
 * only: when a change of the workflow cannot be replayed and that is meant (nothing is under way anywhere, or the
 * change is behind `patched`), and when a new path deserves a history. Look at what it changed before committing it.
 */
const FOLDER = fileURLToPath(new URL('histories/', import.meta.url));

const SCENARIOS: Record<string, (engine: Engine, world: FakeWorld) => Promise<ChangeUnderTest>> = {
  committed: async (engine, world) => (await engine.start(world)).approved(),
  'rolled-back': async (engine, world) => {
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, stage === '100%' ? 'fail' : 'pass');
    return (await engine.start(world)).approved();
  },
  rejected: async (engine, world) => {
    const change = await engine.start(world);
    await change.untilWaitingFor('approval');
    await change.decide({ approver: 'cyd', decision: 'reject' });
    return change;
  },
  'held-then-aborted': async (engine, world) => {
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'inconclusive');
    const change = await (await engine.start(world)).approved();
    await change.until(({ held }) => held !== null);
    await change.command('abort');
    return change;
  },
  'continued-as-new': async (engine, world) => {
    const change = await engine.start(world);
    await change.untilWaitingFor('approval');
    const pause = orderOf({ action: 'pause', reason: 'a flood', nonce: 'again and again' });
    for (let sent = 0; sent < 640; sent += 80) {
      await Promise.all(Array.from({ length: 80 }, () => change.handle.signal(MESSAGES.command, pause)));
    }
    await change.command('continue');
    return change.approved();
  },
};

/** `identity` is the process and host that recorded it, and stack traces name its files: neither is history. */
function scrubbed(history: string): string {
  const withoutPlaces = (key: string, value: unknown) => {
    if (key === 'identity') return 'recorded';
    return key === 'stackTrace' ? '' : value;
  };
  return `${JSON.stringify(JSON.parse(history), withoutPlaces, 1)}\n`;
}

mkdirSync(FOLDER, { recursive: true });
const engine = await Engine.start(await openTimeSkippingServer(), 50);
for (const [name, play] of Object.entries(SCENARIOS)) {
  const change = await play(engine, new FakeWorld(randomUUID()));
  await change.result();
  // Of a continued change only the last run: the one before is hundreds of signals.
  const { workflowId, runId } = await change.handle.describe();
  const history = await engine.environment.client.workflow.getHandle(workflowId, runId).fetchHistory();
  writeFileSync(`${FOLDER}${name}.json`, scrubbed(historyToJSON(history)));
  process.stdout.write(`${name}: ${history.events?.length} events\n`);
}
await engine.stop();
process.exit(0);
