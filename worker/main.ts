import { Client, Connection } from '@temporalio/client';
import { recordTrust } from '../activities/record-trust.ts';
import { closedRuns } from '../infra/temporal/closed-runs.ts';
import { archivePeriodically } from './archive-histories.ts';
import { createChangeRuns } from './change-runs.ts';
import { readWorkerConfig } from './config.ts';
import { followLog } from './follow-log.ts';
import { integratePeriodically } from './periodic-integration.ts';
import { startPeriodicSnapshots } from './periodic-snapshots.ts';
import { openPorts } from './role-ports.ts';
import { createRoleWorker, loadWorkflowBundle } from './role-worker.ts';
import { createLogger, installRuntime } from './telemetry.ts';

/**
 * One role's process: `node worker/main.ts CONFIG.json`. Logs JSON lines to standard output; `ready` is one of them.
 * SIGTERM and SIGINT let what is under way finish.
 */
const path = process.argv[2];
if (path === undefined) {
  process.stderr.write('usage: worker/main CONFIG.json\n');
  process.exit(2);
}
const config = readWorkerConfig(path);
const logger = createLogger(config);
installRuntime(logger);
const [ports, workflowBundle] = await Promise.all([
  openPorts(config),
  config.role === 'orchestrator' ? loadWorkflowBundle() : undefined,
]);
if (config.role === 'orchestrator') {
  await recordTrust(ports);
  startPeriodicSnapshots(ports, logger);
  if (ports.integrator) void integratePeriodically(ports.integrator, logger);
  const { address, namespace } = config.temporal;
  const engine = new Client({ connection: Connection.lazy({ address }), namespace });
  const runsOf = (changeId: string) => closedRuns(engine, changeId);
  void archivePeriodically({ log: ports.log, archive: ports.histories, runsOf }, logger);
  await createChangeRuns(engine, config.environment).keepReconciling();
}
const worker = await createRoleWorker(config, ports, logger, workflowBundle);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => worker.shutdown());
if (config.role === 'voter') void followLog(ports.log, logger);
logger.info('ready');
await worker.run();
// The native runtime keeps the process alive for its own threads.
process.exit(0);
