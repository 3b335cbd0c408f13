import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { recordTrust } from '../activities/record-trust.ts';
import { readWorkerConfig, type WorkerConfig } from '../worker/config.ts';
import { followLog } from '../worker/follow-log.ts';
import { integratePeriodically } from '../worker/periodic-integration.ts';
import { openPorts } from '../worker/role-ports.ts';
import { createRoleWorker } from '../worker/role-worker.ts';
import { createLogger, installRuntime } from '../worker/telemetry.ts';
import { QUEUES } from '../workflows/contract.ts';
import { recordAwsCalls } from './aws-calls.ts';
import { type RawActivities, rawQueue } from './raw-contract.ts';

/**
 * A role's process as `worker/main.ts` makes it, without its snapshots (one in a thousand entries) and with two
 * additions: it writes down when its AWS calls are under way, and a second worker in it serves the raw workflows, so
 * that both are measured in the same processes.
 */
const [, , path, callsDir] = [...process.argv, process.env.BENCH_CALLS_DIR];
if (path === undefined || callsDir === undefined)
  throw new Error('usage: BENCH_CALLS_DIR=… worker CONFIG.json');
recordAwsCalls(callsDir);
const config = readWorkerConfig(path);
const logger = createLogger(config);
installRuntime(logger);
const ports = await openPorts(config);
if (config.role === 'orchestrator') await recordTrust(ports);
if (ports.integrator) void integratePeriodically(ports.integrator, logger);
const workers = await Promise.all([createRoleWorker(config, ports, logger), createRawWorker(config)]);
process.once('SIGTERM', () => {
  for (const worker of workers) worker.shutdown();
});
if (config.role === 'voter' || config.role === 'enactor') void followLog(ports.log, logger);
logger.info('ready');
await Promise.all(workers.map((worker) => worker.run()));
process.exit(0);

async function createRawWorker({ role, voterZone, temporal }: WorkerConfig): Promise<Worker> {
  const activities: RawActivities = { noOp: async () => {} };
  return Worker.create({
    connection: await NativeConnection.connect({ address: temporal.address }),
    namespace: temporal.namespace,
    taskQueue: rawQueue(role === 'voter' ? QUEUES.voter(voterZone ?? '') : QUEUES[role]),
    activities: { ...activities },
    ...(role === 'orchestrator'
      ? { workflowsPath: fileURLToPath(new URL('raw-workflows.ts', import.meta.url)) }
      : {}),
  });
}
