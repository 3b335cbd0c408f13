import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPerson } from '../client/compose.ts';
import type { Installation } from '../client/installation.ts';
import { fromBase64 } from '../domain/evidence/base64.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { openEnvelope, signStatement } from '../domain/evidence/statement-codec.ts';
import { createS3Client } from '../infra/aws/aws-clients.ts';
import { createS3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { nowMs } from './aws-calls.ts';
import { rateFigures, rateOf, type WriteRate } from './log-appends.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import type { BenchStack } from './stack.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;
/** So many senders at once, each waiting for its answer: what a busy day looks like to the log. */
const SENDERS = 64;
const SINGLES = 2_000;
const BATCHES = 24;
const BATCH_SIZE = 256;

interface CommandRound {
  accepted: WriteRate;
  bareVerifiesPerSecond: number;
}

/**
 * Commands that a person signed, verified and durable in the log, against nothing but `crypto.verify` of the same
 * signatures on the same cores. A batch is one signature over many operations, and takes effect whole or not at all.
 */
export async function measureCommands({ installation }: BenchStack, run: Run): Promise<Measured> {
  const rounds: Record<'single' | 'batch', CommandRound[]> = { single: [], batch: [] };
  const sizes = { single: 1, batch: BATCH_SIZE } as const;
  for (let round = 0; round <= roundsOf(run, ROUNDS); round += 1) {
    for (const [name, count] of [
      ['single', amountOf(run, SINGLES)],
      ['batch', amountOf(run, BATCHES)],
    ] as const) {
      const measured = await oneRound(installation, `${name}-${round}`, count, sizes[name]);
      if (round > 0) rounds[name].push(measured);
      run.say(`${name}: ${Math.round(measured.accepted.perSecond * sizes[name])} commands/s`);
    }
  }
  const ratio = (name: 'single' | 'batch') =>
    median(
      rounds[name].map(
        ({ accepted, bareVerifiesPerSecond }) => (accepted.perSecond * sizes[name]) / bareVerifiesPerSecond,
      ),
    );
  return {
    findings: [
      {
        name: 'signed commands/s, single / bare verify',
        ratio: ratio('single'),
        bound: 'min',
        target: 0.4,
        later: 0.65,
      },
      {
        name: `signed commands/s, batches of ${BATCH_SIZE} / bare verify`,
        ratio: ratio('batch'),
        bound: 'min',
        target: 4,
        later: 8,
      },
    ],
    figures: {
      ...rateFigures(
        'signed commands, single',
        rounds.single.map(({ accepted }) => accepted),
      ),
      ...rateFigures(
        `batches of ${BATCH_SIZE} signed commands`,
        rounds.batch.map(({ accepted }) => accepted),
      ),
      'bare crypto.verify, per second': median(rounds.single.map((one) => one.bareVerifiesPerSecond)),
    },
  };
}

async function oneRound(
  installation: Installation,
  prefix: string,
  count: number,
  size: number,
): Promise<CommandRound> {
  const { aws, environment, trustFile, trustDigest } = installation;
  const trust = openTrustFile(trustFile, trustDigest);
  const envelopes = await Promise.all(
    Array.from({ length: count }, (_, i) => command(installation, `${prefix}-${i}`, size)),
  );
  const bareVerifiesPerSecond = bareVerify(installation, envelopes);
  const s3 = createS3Client(aws);
  const log = createS3ChangeLog({ s3, bucket: aws.bucket, environment, trust, verify: verifyEd25519 });
  await log.sync();
  const accepted = await rateOf(envelopes, SENDERS, async (envelope) => {
    const [fate] = await log.append([envelope]);
    if (fate?.fate !== 'honoured') throw new Error(`Not accepted: ${JSON.stringify(fate)}`);
  });
  s3.destroy();
  return { accepted, bareVerifiesPerSecond };
}

/** A request of so many operations, signed once. */
function command(installation: Installation, changeId: string, size: number): Promise<Envelope> {
  const { environment } = installation;
  const { signer } = openPerson(installation, 'alice');
  return signStatement(signer, 'request', {
    changeId,
    environment,
    author: 'alice',
    requestDigest: digestOf(changeId),
    resources: Array.from({ length: size }, (_, i) => `switch/bench/${changeId}/${i}`),
    dependsOn: [],
    emergency: false,
    nonce: changeId,
    at: new Date().toISOString(),
  });
}

/** The same signatures and the same bytes, and nothing else: how fast a verifier could be at best. */
function bareVerify(installation: Installation, envelopes: readonly Envelope[]): number {
  const key = createPublicKey(readFileSync(join(installation.keysDir, 'alice.pem'), 'utf8'));
  const signed = envelopes.map((envelope) => {
    const { preAuth, signatures } = openEnvelope(envelope);
    return { preAuth, signature: fromBase64(signatures[0]?.sig ?? '') ?? new Uint8Array() };
  });
  const startMs = nowMs();
  for (const { preAuth, signature } of signed) {
    if (!verify(null, preAuth, key, signature)) throw new Error('A signature does not verify.');
  }
  return (1000 * signed.length) / (nowMs() - startMs);
}
