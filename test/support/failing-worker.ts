import { setTimeout as sleep } from 'node:timers/promises';
import { recordTrust } from '../../activities/record-trust.ts';
import { readWorkerConfig } from '../../worker/config.ts';
import { integratePeriodically } from '../../worker/periodic-integration.ts';
import { openPorts } from '../../worker/role-ports.ts';
import { createRoleWorker, type RoleWorker } from '../../worker/role-worker.ts';
import { createLogger, installRuntime } from '../../worker/telemetry.ts';
import { type Failpoint, withFailpoints } from './failpoints.ts';

/**
 * One role's process, composed as `worker/main.ts` composes it, with the faults in `FAILPOINTS` (JSON) around its
 * ports. `WORKFLOW_BUNDLE` names a bundle that was made before.
 */
const POLLERS_END_MS = 200;

const config = readWorkerConfig(process.argv[2] ?? '');
const logger = createLogger(config);
installRuntime(logger);
let worker: RoleWorker | undefined;

async function act(action: 'kill' | 'stop'): Promise<void> {
  if (action === 'kill') {
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  }
  // A process that stands still must not be handed the task that another is to take over: stop polling first.
  worker?.shutdown();
  await sleep(POLLERS_END_MS);
  process.kill(process.pid, 'SIGSTOP');
}

const failpoints = JSON.parse(process.env.FAILPOINTS ?? '[]') as Failpoint[];
const ports = withFailpoints(await openPorts(config), failpoints, act);
if (config.role === 'orchestrator') await recordTrust(ports);
if (ports.integrator) void integratePeriodically(ports.integrator, logger);
const codePath = process.env.WORKFLOW_BUNDLE;
worker = await createRoleWorker(config, ports, logger, codePath === undefined ? undefined : { codePath });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => worker?.shutdown());
logger.info('ready');
await worker.run();
process.exit(0);
