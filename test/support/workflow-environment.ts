import { setTimeout as wait } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type {
  AnalysisActivities,
  EnactorActivities,
  OrchestratorActivities,
} from '../../activities/index.ts';
import type { CommandAction } from '../../domain/evidence/statements.ts';
import { installTools } from '../../infra/dev/install.ts';
import { registerSearchAttributes } from '../../infra/dev/readiness.ts';
import { searchAttributeTypes } from '../../infra/dev/servers.ts';
import { activityEdge } from '../../worker/activity-edge.ts';
import { loadWorkflowBundle } from '../../worker/role-worker.ts';
import type { change } from '../../workflows/change.ts';
import {
  CHANGE_WORKFLOW,
  type ChangeInput,
  type ChangeResult,
  type ChangeStatus,
  type CommandAnswer,
  type CommandMessage,
  type DecideAnswer,
  type DecideMessage,
  MESSAGES,
  QUEUES,
  STATUS_QUERY,
  VOTER_ZONES,
} from '../../workflows/contract.ts';
import {
  type ChangeVoter,
  type Decision,
  decisionOf,
  type FakeWorld,
  type OfNoChange,
  orderOf,
} from './fake-world.ts';

const silent = pino({ level: 'silent' });
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
});
const workflowBundle = await loadWorkflowBundle();

const CACHED = { mode: 'cached', maxCachedWorkflows: 50 };
const REPLAYED = { mode: 'replayed at every step', maxCachedWorkflows: 0 };

const engines = new Map<string, Engine>();

type OpenServer = () => Promise<TestWorkflowEnvironment>;

/** A server of its own, that skips time. */
export async function openTimeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const { temporalTestServer } = await installTools();
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: temporalTestServer } },
  });
}

/**
 * Declares the tests twice: with workflows kept in memory, and with every step replayed from the history. `engine()` is
 * there when they run.
 */
export function inEachMode(title: string, tests: (engine: () => Engine) => void): void {
  declare(title, tests, [CACHED, REPLAYED], openTimeSkippingServer);
}

/** Declares the tests once, with workflows kept in memory; what each test wrote is replayed when it is over. */
export function replayedAfterwards(
  title: string,
  tests: (engine: () => Engine) => void,
  openServer: OpenServer = openTimeSkippingServer,
): void {
  const withReplay = (engine: () => Engine) => {
    afterEach(() => engine().replayAll());
    tests(engine);
  };
  declare(title, withReplay, [CACHED], openServer);
}

function declare(
  title: string,
  tests: (engine: () => Engine) => void,
  modes: readonly (typeof CACHED)[],
  openServer: OpenServer,
): void {
  describe.each(modes)(`${title}, $mode`, ({ mode, maxCachedWorkflows }) => {
    beforeAll(async () => {
      if (!engines.has(mode)) engines.set(mode, await Engine.start(await openServer(), maxCachedWorkflows));
    });
    afterEach(async () => {
      const engine = engines.get(mode);
      if (!engine?.environment.supportsTimeSkipping || (await engine.skipsTime())) return;
      engines.set(mode, await Engine.start(await openServer(), maxCachedWorkflows));
      await engine.stop();
    });
    // On a shared server two engines would take each other's tasks.
    afterAll(async () => {
      const engine = engines.get(mode);
      if (!engine || engine.environment.supportsTimeSkipping) return;
      engines.delete(mode);
      await engine.stop();
    });
    tests(() => {
      const engine = engines.get(mode);
      if (!engine) throw new Error('The engine is there only while tests run.');
      return engine;
    });
  });
  afterAll(async () => {
    await Promise.all([...engines.values()].map((engine) => engine.stop()));
    engines.clear();
  });
}

type Role = 'orchestrator' | 'analysis' | 'enactor';

/** A server that skips time, and one worker a role. A test owns it alone: time is the server's, not a workflow's. */
export class Engine {
  readonly environment: TestWorkflowEnvironment;
  readonly #worlds = new Map<string, FakeWorld>();
  readonly #unreplayed = new Set<string>();
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #maxCachedWorkflows: number;

  private constructor(environment: TestWorkflowEnvironment, maxCachedWorkflows: number) {
    this.environment = environment;
    this.#maxCachedWorkflows = maxCachedWorkflows;
  }

  static async start(environment: TestWorkflowEnvironment, maxCachedWorkflows: number): Promise<Engine> {
    const { address } = environment;
    await registerSearchAttributes({ address, namespace: 'default' }, searchAttributeTypes());
    const engine = new Engine(environment, maxCachedWorkflows);
    for (const role of ['orchestrator', 'analysis', 'enactor'] as const) await engine.#startRole(role);
    for (const zone of VOTER_ZONES)
      await engine.#run({ taskQueue: QUEUES.voter(zone), activities: engine.#voter(zone) });
    return engine;
  }

  /** The test server keeps to real time for ever once a workflow ended with an activity still under way. */
  async skipsTime(): Promise<boolean> {
    const startedMs = performance.now();
    await this.environment.sleep(ONE_SECOND_MS);
    return performance.now() - startedMs < ONE_SECOND_MS;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.environment.teardown();
  }

  async #startRole(role: Role): Promise<void> {
    const activities = { orchestrator: this.#orchestrator, analysis: this.#analysis, enactor: this.#enactor }[
      role
    ];
    await this.#run({
      taskQueue: QUEUES[role],
      activities,
      ...(role === 'orchestrator' ? { workflowBundle, maxCachedWorkflows: this.#maxCachedWorkflows } : {}),
    });
  }

  async #run(
    options: Pick<WorkerOptions, 'taskQueue' | 'activities' | 'workflowBundle'> & { taskQueue: string },
  ) {
    const worker = await Worker.create({
      ...options,
      connection: this.environment.nativeConnection,
      interceptors: { activity: [activityEdge(silent)] },
      // Cancellation reaches an activity with the answer to its heartbeat; the default keeps those back for seconds.
      maxHeartbeatThrottleInterval: '100 milliseconds',
    });
    const running = worker.run();
    const stop = async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    };
    this.#stops.push(stop);
  }

  /** Starts a change in a world of its own, with a command that is there before its first step. */
  async start(world: FakeWorld, command?: CommandMessage): Promise<ChangeUnderTest> {
    this.#worlds.set(world.changeId, world);
    this.#unreplayed.add(world.changeId);
    const { workflow } = this.environment.client;
    const options = {
      workflowId: world.changeId,
      taskQueue: QUEUES.orchestrator,
      // Without a cache a query can cost a workflow task, which is then done again after this.
      workflowTaskTimeout: '2 seconds',
    } as const;
    const args: [ChangeInput] = [world.input];
    const handle = await (command === undefined
      ? workflow.start<typeof change>(CHANGE_WORKFLOW, { ...options, args })
      : workflow.signalWithStart<typeof change, [CommandMessage]>(CHANGE_WORKFLOW, {
          ...{ ...options, args },
          ...{ signal: MESSAGES.command, signalArgs: [command] },
        }));
    return new ChangeUnderTest(world, handle);
  }

  /** Replays every run of every change since the last time, as it stands. Rejects at the first that goes another way. */
  async replayAll(): Promise<void> {
    const histories: { workflowId: string; history: History }[] = [];
    for (const workflowId of this.#unreplayed) {
      const { workflow } = this.environment.client;
      let runId: string | null | undefined = (await workflow.getHandle(workflowId).describe()).runId;
      while (runId) {
        const history: History = await workflow.getHandle(workflowId, runId).fetchHistory();
        histories.push({ workflowId, history });
        runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
      }
    }
    this.#unreplayed.clear();
    for await (const { error } of Worker.runReplayHistories({ workflowBundle }, histories))
      if (error) throw error;
  }

  #here(): FakeWorld {
    const changeId = Context.current().info.workflowExecution?.workflowId ?? 'none';
    const world = this.#worlds.get(changeId);
    if (!world) throw new Error(`No world of ${changeId}.`);
    return world;
  }

  readonly #orchestrator: Omit<OrchestratorActivities, OfNoChange> = {
    checkSchema: (input) => this.#here().orchestrator.checkSchema(input),
    checkCausality: (input) => this.#here().orchestrator.checkCausality(input),
    makePlan: (input) => this.#here().orchestrator.makePlan(input),
    recordVotes: (input) => this.#here().orchestrator.recordVotes(input),
    admitApprovals: (input) => this.#here().orchestrator.admitApprovals(input),
    admitCommand: (input) => this.#here().orchestrator.admitCommand(input),
    orderStage: (input) => this.#here().orchestrator.orderStage(input),
    sentBack: (input) => this.#here().orchestrator.sentBack(input),
    recordVerdict: (input) => this.#here().orchestrator.recordVerdict(input),
    verifyLive: (input) => this.#here().orchestrator.verifyLive(input),
    recordEnd: (input) => this.#here().orchestrator.recordEnd(input),
    page: (input) => this.#here().orchestrator.page(input),
    findUnderway: (input) => this.#here().orchestrator.findUnderway(input),
  };

  readonly #analysis: Pick<AnalysisActivities, 'judgeStage'> = {
    judgeStage: (input) => this.#here().analysis.judgeStage(input),
  };

  readonly #enactor: Omit<EnactorActivities, OfNoChange> = {
    applyStage: (input) => this.#here().enactor.applyStage(input),
    rollBack: (input) => this.#here().enactor.rollBack(input),
    commit: (input) => this.#here().enactor.commit(input),
  };

  #voter(zone: string): ChangeVoter {
    return {
      vote: (input) => {
        const voter = this.#here().voters[zone];
        if (!voter) throw new Error(`No voter in ${zone}.`);
        return voter.vote(input);
      },
    };
  }
}

const ONE_SECOND_MS = 1_000;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;

/** One change that is under way, as a person at the client sees it. */
export class ChangeUnderTest {
  readonly world: FakeWorld;
  readonly handle: WorkflowHandle<typeof change>;

  constructor(world: FakeWorld, handle: WorkflowHandle<typeof change>) {
    this.world = world;
    this.handle = handle;
  }

  status(): Promise<ChangeStatus> {
    return this.handle.query<ChangeStatus>(STATUS_QUERY);
  }

  /** Asks, at the server's own pace and without skipping time, until the status is as wanted. */
  async until(wanted: (status: ChangeStatus) => boolean): Promise<ChangeStatus> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.status();
      if (wanted(status)) return status;
      if (performance.now() > giveUpAt) {
        throw new Error(`The change never got there: ${JSON.stringify(status, null, 1)}`);
      }
      await wait(POLL_MS);
    }
  }

  /** Until it waits for something whose name contains `words`. */
  untilWaitingFor(words: string): Promise<ChangeStatus> {
    return this.until(({ waitingFor }) => waitingFor?.what.includes(words) ?? false);
  }

  decide(decision: Decision): Promise<DecideAnswer> {
    const message = decisionOf(decision);
    return this.handle.executeUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, { args: [message] });
  }

  command(action: CommandAction, reason = 'a test'): Promise<CommandAnswer> {
    const args: [CommandMessage] = [orderOf({ action, reason })];
    return this.handle.executeUpdate<CommandAnswer, [CommandMessage]>(MESSAGES.command, { args });
  }

  async approved(): Promise<this> {
    await this.untilWaitingFor('approval');
    await this.decide({ approver: 'bob' });
    return this;
  }

  /** Skips time until it ends. */
  result(): Promise<ChangeResult> {
    return this.handle.result();
  }
}
