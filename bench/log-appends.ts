import { PutObjectCommand } from '@aws-sdk/client-s3';
import { openPerson } from '../client/compose.ts';
import type { Installation } from '../client/installation.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { encodeEntry } from '../domain/log/entry.ts';
import { createS3Client } from '../infra/aws/aws-clients.ts';
import { createS3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { nowMs } from './aws-calls.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import type { BenchStack } from './stack.ts';
import { median, quantile } from './statistics.ts';

export interface WriteRate {
  perSecond: number;
  p99Ms: number;
}

interface AppendRound {
  log: WriteRate;
  raw: WriteRate;
}

const ROUNDS = 5;
const WRITERS = [1, 16] as const;
const WRITES_PER_WRITER = { 1: 150, 16: 40 } as const;

export async function measureAppends({ installation }: BenchStack, run: Run): Promise<Measured> {
  const bench = new AppendBench(installation);
  const rounds: Record<1 | 16, AppendRound[]> = { 1: [], 16: [] };
  for (let round = 0; round <= roundsOf(run, ROUNDS); round += 1) {
    for (const writers of WRITERS) {
      const measured = await bench.round(writers, writers * amountOf(run, WRITES_PER_WRITER[writers]));
      if (round > 0) rounds[writers].push(measured);
      run.say(`${writers} writer(s): ${Math.round(measured.log.perSecond)} appends/s`);
    }
  }
  bench.close();
  const target = { 1: 0.5, 16: 1 };
  return {
    findings: WRITERS.map((writers) => ({
      name: `4 log appends/s, ${writersText(writers)} / raw puts`,
      ratio: median(rounds[writers].map(({ log, raw }) => log.perSecond / raw.perSecond)),
      bound: 'min',
      target: target[writers],
    })),
    figures: Object.assign(
      {},
      ...WRITERS.map((writers) => ({
        ...rateFigures(
          `log appends, ${writersText(writers)}`,
          rounds[writers].map(({ log }) => log),
        ),
        ...rateFigures(
          `raw puts, ${writersText(writers)}`,
          rounds[writers].map(({ raw }) => raw),
        ),
      })),
    ),
  };
}

export function writersText(writers: number): string {
  return `${writers} writer${writers === 1 ? '' : 's'}`;
}

export function rateFigures(what: string, rounds: readonly WriteRate[]): Measured['figures'] {
  return {
    [`${what}, per second`]: median(rounds.map(({ perSecond }) => perSecond)),
    [`${what}, p99 ms`]: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}

/**
 * Entries through the log, against raw conditional puts of the same bytes into the same bucket. Sixteen writers are
 * sixteen callers of one log, as the activities of one role are: they share objects (group commit).
 */
class AppendBench {
  readonly #installation: Installation;
  readonly #s3;
  readonly #log;
  #made = 0;

  constructor(installation: Installation) {
    const { aws, environment, trustFile, trustDigest } = installation;
    const trust = openTrustFile(trustFile, trustDigest);
    this.#installation = installation;
    this.#s3 = createS3Client(aws);
    this.#log = createS3ChangeLog({
      s3: this.#s3,
      bucket: aws.bucket,
      environment,
      trust,
      verify: verifyEd25519,
    });
  }

  async round(writers: number, writes: number): Promise<AppendRound> {
    const entries = await Promise.all(Array.from({ length: writes }, () => this.#entry()));
    await this.#log.sync();
    const raw = await rateOf(entries, writers, (entry, position) => this.#put(entry, position));
    const log = await rateOf(entries, writers, async (entry) => {
      const [fate] = await this.#log.append([entry]);
      if (fate?.fate !== 'honoured') throw new Error(`An entry was not honoured: ${JSON.stringify(fate)}`);
    });
    return { log, raw };
  }

  close(): void {
    this.#s3.destroy();
  }

  #entry(): Promise<Envelope> {
    const { environment } = this.#installation;
    const { signer } = openPerson(this.#installation, 'alice');
    const changeId = `append-${this.#made++}`;
    return signStatement(signer, 'request', {
      changeId,
      environment,
      author: 'alice',
      requestDigest: digestOf(changeId),
      resources: [`dns/bench.example/${changeId}/A`],
      dependsOn: [],
      emergency: false,
      nonce: changeId,
      at: new Date().toISOString(),
    });
  }

  async #put(entry: Envelope, position: number): Promise<void> {
    const { aws, environment } = this.#installation;
    await this.#s3.send(
      new PutObjectCommand({
        Bucket: aws.bucket,
        Key: `bodies/${environment}/raw/${this.#made}-${position}`,
        Body: encodeEntry(entry),
        IfNoneMatch: '*',
      }),
    );
  }
}

/** Brings the items, so many at a time, each writer its next one when the last is done. */
export async function rateOf<T>(
  items: readonly T[],
  writers: number,
  write: (item: T, position: number) => Promise<void>,
): Promise<WriteRate> {
  const took: number[] = [];
  const queue = items.entries();
  const startMs = nowMs();
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (const [position, item] of queue) {
        const writeMs = nowMs();
        await write(item, position);
        took.push(nowMs() - writeMs);
      }
    }),
  );
  return { perSecond: (1000 * items.length) / (nowMs() - startMs), p99Ms: quantile(took, 0.99) };
}
