import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import {
  createAnalysisActivities,
  createBrakeActivities,
  createEnactorActivities,
  createOrchestratorActivities,
  createVoterActivities,
} from '../activities/index.ts';
import { DomainError } from '../domain/errors.ts';
import { trustOf } from '../domain/log/state.ts';
import { createFileZoneSwitch } from '../infra/files/file-zone-switch.ts';
import { createHttpProber } from '../infra/http/http-prober.ts';
import { QUEUES } from '../workflows/contract.ts';
import { activityEdge, pause } from './activity-edge.ts';
import { createChangeRuns } from './change-runs.ts';
import type { WorkerConfig } from './config.ts';
import { enforceFreezes } from './enforce-freezes.ts';
import { installedBuild } from './installed-build.ts';
import { createPager, type OpenedPorts } from './role-ports.ts';

/** Time for what is under way to finish when the process is told to stop; 0, the default, would cut it off. */
const SHUTDOWN_GRACE = '10 seconds';

export type WorkflowBundle = NonNullable<WorkerOptions['workflowBundle']>;

/** What works for one role in this process. */
export interface RoleWorker {
  /** Until it is shut down. Rejects when one of its workers fails. */
  run(): Promise<void>;
  /** Lets what is under way finish. */
  shutdown(): void;
}

/** The workers of one role: its queues, its activities, and for the orchestrator the workflows. */
export async function createRoleWorker(
  config: WorkerConfig,
  ports: OpenedPorts,
  logger: Logger,
  workflowBundle?: WorkflowBundle,
): Promise<RoleWorker> {
  const workers = await createWorkers(config, ports, logger, workflowBundle);
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    async run() {
      const ended = new AbortController();
      const enforcing = config.role === 'enactor' && enforceFreezes(ports, logger, ended.signal);
      try {
        // One that fails takes the others with it: half a role would look like a whole one.
        await Promise.all(workers.map((worker) => worker.run().finally(shutdown)));
      } finally {
        ended.abort();
        await enforcing;
      }
    },
    shutdown,
  };
}

async function createWorkers(
  config: WorkerConfig,
  ports: OpenedPorts,
  logger: Logger,
  workflowBundle?: WorkflowBundle,
): Promise<Worker[]> {
  const { address, namespace } = config.temporal;
  const connection = await NativeConnection.connect({ address });
  const common = {
    connection,
    namespace,
    // Read again by `resilience-ctl doctor`.
    identity: `${config.voterZone ? `voter.${config.voterZone}` : config.role}@${process.pid} ${installedBuild().build}`,
    shutdownGraceTime: SHUTDOWN_GRACE,
    interceptors: { activity: [activityEdge(logger)] },
  };
  switch (config.role) {
    case 'orchestrator': {
      const { integrator } = ports;
      if (!integrator) throw incomplete('An orchestrator needs integration.');
      return [
        await Worker.create({
          ...common,
          taskQueue: QUEUES.orchestrator,
          workflowBundle: workflowBundle ?? (await loadWorkflowBundle()),
          activities: createOrchestratorActivities({
            ...ports,
            integrator,
            runs: createChangeRuns(new Client({ connection, namespace }), config.environment),
            pager: createPager(config, logger),
          }),
          // A killed worker's workflows move on after this, instead of after ten seconds.
          stickyQueueScheduleToStartTimeout: '1 second',
        }),
      ];
    }
    case 'voter': {
      const { voterZone, zoneSwitchFile } = config;
      if (voterZone === undefined || zoneSwitchFile === undefined) {
        throw incomplete('A voter needs voterZone and zoneSwitchFile.');
      }
      const voter = `voter.${voterZone}`;
      const zoneSwitch = createFileZoneSwitch(zoneSwitchFile);
      return [
        await Worker.create({
          ...common,
          taskQueue: QUEUES.voter(voterZone),
          activities: createVoterActivities({ ...ports, voter, voterZone, zoneSwitch }),
        }),
      ];
    }
    case 'analysis':
      return [
        await Worker.create({
          ...common,
          taskQueue: QUEUES.analysis,
          activities: createAnalysisActivities({
            ...ports,
            pause,
            prober: createHttpProber(() => trustOf(ports.log.lastKnown()).policy.probeAllowList),
          }),
        }),
      ];
    case 'enactor': {
      const { cosignedLog } = ports;
      if (!cosignedLog) throw incomplete('An enactor needs checkpointDir.');
      const own = { ...ports, cosignedLog, pause };
      return Promise.all([
        Worker.create({ ...common, taskQueue: QUEUES.enactor, activities: createEnactorActivities(own) }),
        Worker.create({ ...common, taskQueue: QUEUES.brakes, activities: createBrakeActivities(own) }),
      ]);
    }
  }
}

function incomplete(message: string): DomainError {
  return new DomainError('SCHEMA_INVALID', message, { next: 'Add it to its configuration.' });
}

/** Prebuilt in the package; from the sources, made now (about a second), in a checkout. */
export async function loadWorkflowBundle(): Promise<WorkflowBundle> {
  const prebuilt = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(prebuilt)) return { codePath: prebuilt };
  const workflowsPath = fileURLToPath(
    new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url),
  );
  return bundleWorkflowCode({ workflowsPath, logger: QUIET });
}

const silent = () => undefined;
/** The bundler reports its progress at length; its errors are thrown. */
const QUIET = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
