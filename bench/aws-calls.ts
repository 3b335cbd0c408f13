import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { Route53Client } from '@aws-sdk/client-route-53';
import { S3Client } from '@aws-sdk/client-s3';

/** A call under way, in milliseconds since the epoch: the same clock in every process. */
export interface AwsCall {
  startMs: number;
  endMs: number;
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** From now on every S3, KMS and Route 53 call of this process becomes a line of a file of its own in `dir`. */
export function recordAwsCalls(dir: string): void {
  const file = join(dir, `${process.pid}.jsonl`);
  for (const client of [S3Client, KMSClient, Route53Client]) {
    const send: unknown = client.prototype.send;
    if (typeof send !== 'function') throw new Error('This SDK sends in another way; mend the recorder.');
    Object.defineProperty(client.prototype, 'send', {
      async value(this: unknown, ...input: unknown[]): Promise<unknown> {
        const startMs = nowMs();
        try {
          return await Reflect.apply(send, this, input);
        } finally {
          appendFileSync(file, `${JSON.stringify({ startMs, endMs: nowMs() } satisfies AwsCall)}\n`);
        }
      },
    });
  }
}

/** The calls of all processes that began and ended within a span of time. */
export function readAwsCalls(dir: string, span: AwsCall): AwsCall[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .flatMap((file) => readFileSync(join(dir, file), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as AwsCall)
    .filter((call) => call.startMs >= span.startMs && call.endMs <= span.endMs);
}

/** How long at least one call was under way. Calls at the same time count once: their sum would flatter us. */
export function busyMs(calls: readonly AwsCall[]): number {
  let busy = 0;
  let untilMs = Number.NEGATIVE_INFINITY;
  for (const { startMs, endMs } of calls.toSorted((a, b) => a.startMs - b.startMs)) {
    busy += Math.max(0, endMs - Math.max(startMs, untilMs));
    untilMs = Math.max(untilMs, endMs);
  }
  return busy;
}
