import { PutObjectCommand } from '@aws-sdk/client-s3';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { encodeEntry } from '../domain/log/entry.ts';
import { envelopeOf, sampleMove } from '../test/support/sample-log.ts';
import { rateFigures, rateOf, type WriteRate, writersText } from './log-appends.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import { SampleStore } from './sample-store.ts';
import type { BenchStack } from './stack.ts';
import { median } from './statistics.ts';

const ENVIRONMENT = 'bench-commits';
const ROUNDS = 5;
const WRITERS = [1, 16] as const;
const COMMITS_PER_WRITER = { 1: 100, 16: 30 } as const;

interface Round {
  log: WriteRate;
  raw: WriteRate;
}

/**
 * Commits of changes that are ready for it, each of a resource of its own, each judged at its own index and read back;
 * against raw conditional puts of the same bytes into the same bucket.
 */
export async function measureCommits(stack: BenchStack, run: Run): Promise<Measured> {
  const store = new SampleStore(stack, ENVIRONMENT);
  const rounds: Record<1 | 16, Round[]> = { 1: [], 16: [] };
  let made = 0;
  const ready = async (count: number): Promise<Envelope[]> => {
    const changes = await Promise.all(Array.from({ length: count }, () => changeOf(made++)));
    await store.log.append(changes.flatMap(({ before }) => before));
    return changes.map(({ commit }) => commit);
  };
  for (let round = 0; round <= roundsOf(run, ROUNDS); round += 1) {
    for (const writers of WRITERS) {
      const commits = await ready(writers * amountOf(run, COMMITS_PER_WRITER[writers]));
      const raw = await rateOf(commits, writers, (commit, at) => put(store, `${made}-${at}`, commit));
      const log = await rateOf(commits, writers, async (commit) => {
        const [fate] = await store.log.append([commit]);
        if (fate?.fate !== 'honoured') throw new Error(`A commit does not count: ${JSON.stringify(fate)}`);
      });
      if (round > 0) rounds[writers].push({ log, raw });
      run.say(`${writersText(writers)}: ${Math.round(log.perSecond)} commits/s`);
    }
  }
  store.close();
  const target = { 1: 0.5, 16: 1 };
  return {
    findings: WRITERS.map((writers) => ({
      name: `8 commits/s, ${writersText(writers)} / raw puts`,
      ratio: median(rounds[writers].map(({ log, raw }) => log.perSecond / raw.perSecond)),
      bound: 'min',
      target: target[writers],
    })),
    figures: Object.assign(
      {},
      ...WRITERS.map((writers) => ({
        ...rateFigures(
          `commits, ${writersText(writers)}`,
          rounds[writers].map(({ log }) => log),
        ),
        ...rateFigures(
          `raw puts of commits, ${writersText(writers)}`,
          rounds[writers].map(({ raw }) => raw),
        ),
      })),
    ),
  };
}

async function changeOf(number: number): Promise<{ before: Envelope[]; commit: Envelope }> {
  const changeId = `commit-${number}`;
  const resource = `config/service-${number}/timeouts`;
  const about = { environment: ENVIRONMENT, changeId };
  const plan = { ...about, planDigest: digestOf(changeId), zone: null };
  const move = sampleMove({ resource, to: digestOf(resource), version: '1.0.0' });
  const [request, planned, intent, commit] = await Promise.all([
    envelopeOf('request', { ...about, nonce: changeId, resources: [resource] }),
    envelopeOf('plan', { ...plan, resources: [resource] }),
    envelopeOf('intent', plan),
    envelopeOf('commit', { ...plan, moves: [move] }),
  ]);
  return { before: [request, planned, intent], commit };
}

async function put({ s3, bucket }: SampleStore, name: string, commit: Envelope): Promise<void> {
  const Key = `bodies/${ENVIRONMENT}/raw/${name}`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: encodeEntry(commit), IfNoneMatch: '*' }));
}
