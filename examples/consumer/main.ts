import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ConsumerConfig } from '../../infra/dev/environment.ts';
import { runConsumer } from './consumer.ts';

/**
 * One instance of a small service that reads its configuration from the control plane:
 *
 *     node examples/consumer/main.ts .resilience/dev/consumer.json --instance pod-1 --zone us-east-1a
 *
 * `--unhealthy-on 1.1.0` makes its work fail while it has that version. Ends on SIGINT and SIGTERM.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    instance: { type: 'string', default: 'pod-1' },
    zone: { type: 'string', default: 'us-east-1a' },
    dir: { type: 'string' },
    'unhealthy-on': { type: 'string' },
    'poll-ms': { type: 'string', default: '1000' },
    'report-ms': { type: 'string', default: '1000' },
  },
});
const [configFile] = positionals;
if (configFile === undefined) {
  process.stderr.write('usage: node examples/consumer/main.ts CONSUMER_JSON [--instance ID] [--zone ZONE]\n');
  process.exit(2);
}
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());

await runConsumer(
  {
    ...(JSON.parse(readFileSync(configFile, 'utf8')) as ConsumerConfig),
    service: 'payments',
    instanceId: values.instance,
    zone: values.zone,
    dir: values.dir ?? join(dirname(configFile), 'consumers', values.instance),
    pollIntervalMs: Number(values['poll-ms']),
    reportIntervalMs: Number(values['report-ms']),
    unhealthyOn: values['unhealthy-on'],
    print: (line) => process.stdout.write(`${line}\n`),
  },
  ending.signal,
);
