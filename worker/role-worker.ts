import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import {
  createAnalysisActivities,
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
import { installedBuild } from './installed-build.ts';
import { createPager, type OpenedPorts } from './role-ports.ts';

/** Time for what is under way to finish when the process is told to stop; 0, the default, would cut it off. */
const SHUTDOWN_GRACE = '10 seconds';

export type WorkflowBundle = NonNullable<WorkerOptions['workflowBundle']>;

/** The worker of one role: its queue, its activities, and for the orchestrator the workflows. */
export async function createRoleWorker(
  config: WorkerConfig,
  ports: OpenedPorts,
  logger: Logger,
  workflowBundle?: WorkflowBundle,
): Promise<Worker> {
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
      return Worker.create({
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
      });
    }
    case 'voter': {
      const { voterZone, zoneSwitchFile } = config;
      if (voterZone === undefined || zoneSwitchFile === undefined) {
        throw incomplete('A voter needs voterZone and zoneSwitchFile.');
      }
      const voter = `voter.${voterZone}`;
      const zoneSwitch = createFileZoneSwitch(zoneSwitchFile);
      return Worker.create({
        ...common,
        taskQueue: QUEUES.voter(voterZone),
        activities: createVoterActivities({ ...ports, voter, voterZone, zoneSwitch }),
      });
    }
    case 'analysis':
      return Worker.create({
        ...common,
        taskQueue: QUEUES.analysis,
        activities: createAnalysisActivities({
          ...ports,
          pause,
          prober: createHttpProber(() => trustOf(ports.log.lastKnown()).policy.probeAllowList),
        }),
      });
    case 'enactor': {
      const { cosignedLog } = ports;
      if (!cosignedLog) throw incomplete('An enactor needs checkpointDir.');
      return Worker.create({
        ...common,
        taskQueue: QUEUES.enactor,
        activities: createEnactorActivities({ ...ports, cosignedLog, pause }),
      });
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
