import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { connect } from '../client/compose.ts';
import { startService } from '../examples/demo/service.ts';
import { freePort } from '../infra/dev/free-port.ts';
import { busyMs, readAwsCalls, recordAwsCalls } from './aws-calls.ts';
import { ChangeRunner } from './changes.ts';
import { AppendBench, type AppendRound } from './log-appends.ts';
import { type RawRun, runSameSteps, runSequential } from './raw-runs.ts';
import { type Finding, machineFacts, type Report, reportJson, reportText } from './report.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { median } from './statistics.ts';
import { measureStore } from './store.ts';

/** What a change costs beside what Temporal and AWS ask for anyway. Ratios hold; milliseconds are this machine's. */
const SERVER =
  'Temporal development server with raised poll limits and SQLite WAL; emulated AWS with IAM enforced';
const ROUNDS = 11;
const WARM_UP_ROUNDS = 3;
const SEQUENTIAL = 20;
const SHAPES = { 'four stages': [1, 10, 50, 100], 'one stage': [100] } as const;
const TARGETS = {
  'four stages': { sequential: { target: 1.5, later: 1 }, sameSteps: { target: 1.25, later: 1.1 } },
  'one stage': { sequential: { target: 0.7, later: 0.45 }, sameSteps: { target: 1.25, later: 1.1 } },
};
const APPEND_ROUNDS = 5;
const WRITES_PER_WRITER = { 1: 150, 16: 40 } as const;

type Shape = keyof typeof SHAPES;

interface ShapeRound {
  changeMs: number;
  sameStepsMs: number;
  awsMs: number;
  awsCalls: number;
  events: number;
}

interface Round {
  sequential: RawRun;
  shapes: Record<Shape, ShapeRound>;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function measureChanges({ installation, callsDir }: BenchStack): Promise<Round[]> {
  const port = await freePort();
  const services = await Promise.all(
    ['127.0.0.1', '127.0.0.2', '127.0.0.4'].map((address) => startService('bench', address, port)),
  );
  const { controlPlane, close } = await connect(installation);
  const connection = await Connection.connect({ address: installation.temporal.address });
  const client = new Client({ connection, namespace: installation.temporal.namespace });
  const runner = new ChangeRunner(controlPlane, installation, client, port);
  const measureShape = async (shape: Shape): Promise<ShapeRound> => {
    const change = await runner.run([...SHAPES[shape]]);
    const calls = readAwsCalls(callsDir, change.span);
    const sameSteps = await runSameSteps(client, change.steps);
    return {
      changeMs: change.ms,
      sameStepsMs: sameSteps.ms,
      awsMs: busyMs(calls),
      awsCalls: calls.length,
      events: change.events,
    };
  };
  const rounds: Round[] = [];
  for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round += 1) {
    const sequential = await runSequential(client, SEQUENTIAL);
    const shapes = {
      'four stages': await measureShape('four stages'),
      'one stage': await measureShape('one stage'),
    };
    const times = [sequential.ms, shapes['four stages'].changeMs, shapes['one stage'].changeMs];
    say(
      `round ${round}: ${SEQUENTIAL} activities, four stages, one stage: ${times.map(Math.round).join(', ')} ms`,
    );
    if (round > 0) rounds.push({ sequential, shapes });
  }
  await Promise.all([close(), connection.close(), ...services.map((service) => service.stop())]);
  return rounds;
}

async function measureAppends({ installation }: BenchStack): Promise<Record<1 | 16, AppendRound[]>> {
  const bench = new AppendBench(installation);
  const rounds: Record<1 | 16, AppendRound[]> = { 1: [], 16: [] };
  for (let round = 0; round <= APPEND_ROUNDS; round += 1) {
    for (const writers of [1, 16] as const) {
      const measured = await bench.round(writers, writers * WRITES_PER_WRITER[writers]);
      if (round > 0) rounds[writers].push(measured);
      say(`${writers} writer(s): ${Math.round(measured.log.perSecond)} appends/s`);
    }
  }
  bench.close();
  return rounds;
}

function findingsOf(rounds: readonly Round[], appends: Record<1 | 16, AppendRound[]>): Finding[] {
  const shapes = (Object.keys(SHAPES) as Shape[]).flatMap((shape): Finding[] => {
    const of = (ratio: (one: ShapeRound, round: Round) => number) =>
      median(rounds.map((round) => ratio(round.shapes[shape], round)));
    const { sequential, sameSteps } = TARGETS[shape];
    return [
      {
        name: `1 change, ${shape} / ${SEQUENTIAL} no-op activities`,
        ratio: of((one, round) => one.changeMs / round.sequential.ms),
        bound: 'max',
        ...sequential,
      },
      {
        name: `2 change, ${shape} / same steps + its AWS calls`,
        ratio: of((one) => one.changeMs / (one.sameStepsMs + one.awsMs)),
        bound: 'max',
        ...sameSteps,
      },
      {
        name: `3 history events, ${shape} / ${SEQUENTIAL} no-op activities`,
        ratio: of((one, round) => one.events / round.sequential.events),
        bound: 'max',
        target: 0.6,
      },
    ];
  });
  const rate = (writers: 1 | 16) =>
    median(appends[writers].map(({ log, raw }) => log.perSecond / raw.perSecond));
  return [
    ...shapes.toSorted((a, b) => a.name.localeCompare(b.name)),
    { name: '4 log appends/s, 1 writer / raw puts', ratio: rate(1), bound: 'min', target: 0.5 },
    { name: '4 log appends/s, 16 writers / raw puts', ratio: rate(16), bound: 'min', target: 1 },
  ];
}

function figuresOf(rounds: readonly Round[], appends: Record<1 | 16, AppendRound[]>): Report['figures'] {
  const figures: Report['figures'] = {
    [`${SEQUENTIAL} activities, ms`]: median(rounds.map(({ sequential }) => sequential.ms)),
    [`${SEQUENTIAL} activities, events`]: median(rounds.map(({ sequential }) => sequential.events)),
  };
  for (const shape of Object.keys(SHAPES) as Shape[]) {
    const of = (field: keyof ShapeRound) => median(rounds.map(({ shapes }) => shapes[shape][field]));
    figures[`change, ${shape}, ms`] = of('changeMs');
    figures[`change, ${shape}, events`] = of('events');
    figures[`same steps, ${shape}, ms`] = of('sameStepsMs');
    figures[`AWS calls, ${shape}, ms under way`] = of('awsMs');
    figures[`AWS calls, ${shape}, count`] = of('awsCalls');
  }
  for (const writers of [1, 16] as const) {
    for (const side of ['log', 'raw'] as const) {
      const what = `${side === 'log' ? 'log appends' : 'raw puts'}, ${writers} writer${writers === 1 ? '' : 's'}`;
      figures[`${what}, per second`] = median(appends[writers].map((round) => round[side].perSecond));
      figures[`${what}, p99 ms`] = median(appends[writers].map((round) => round[side].p99Ms));
    }
  }
  return figures;
}

const machine = machineFacts();
const home = mkdtempSync(join(tmpdir(), 'resilience-bench-'));
let stack: BenchStack | undefined;
try {
  stack = await startBenchStack(home, say);
  recordAwsCalls(stack.callsDir);
  const rounds = await measureChanges(stack);
  await stack.stopRoles();
  const appends = await measureAppends(stack);
  say('the store: a log of 100,000 entries, folded');
  const store = await measureStore();
  const report: Report = {
    machine,
    server: SERVER,
    rounds: ROUNDS,
    findings: [...findingsOf(rounds, appends), ...store.findings],
    figures: { ...figuresOf(rounds, appends), ...store.figures },
  };
  writeFileSync(fileURLToPath(new URL('results.json', import.meta.url)), reportJson(report));
  process.stdout.write(reportText(report));
} finally {
  await stack?.stop();
  rmSync(home, { recursive: true, force: true });
}
