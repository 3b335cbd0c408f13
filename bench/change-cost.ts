import { Client, Connection } from '@temporalio/client';
import { connect } from '../client/compose.ts';
import { startService } from '../examples/demo/service.ts';
import { freePort } from '../infra/dev/free-port.ts';
import { busyMs, readAwsCalls, recordAwsCalls } from './aws-calls.ts';
import { ChangeRunner } from './changes.ts';
import { type Run, roundsOf } from './part.ts';
import { type RawRun, runSameSteps, runSequential } from './raw-runs.ts';
import type { Finding, Measured } from './report.ts';
import type { BenchStack } from './stack.ts';
import { median } from './statistics.ts';

const ROUNDS = 11;
const WARM_UP_ROUNDS = 3;
const SEQUENTIAL = 20;
const SHAPES = { 'four stages': [1, 10, 50, 100], 'one stage': [100] } as const;
const TARGETS = {
  'four stages': { sequential: { target: 1.5, later: 1 }, sameSteps: { target: 1.25, later: 1.1 } },
  'one stage': { sequential: { target: 0.7, later: 0.45 }, sameSteps: { target: 1.25, later: 1.1 } },
};

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

/** What a change costs beside what Temporal and AWS ask for anyway. */
export async function measureChanges(stack: BenchStack, run: Run): Promise<Measured> {
  const rounds = await measureRounds(stack, run);
  return { findings: findingsOf(rounds), figures: figuresOf(rounds) };
}

async function measureRounds({ installation, callsDir }: BenchStack, run: Run): Promise<Round[]> {
  recordAwsCalls(callsDir);
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
  const warmUp = run.smoke ? 0 : WARM_UP_ROUNDS;
  for (let round = 1 - warmUp; round <= roundsOf(run, ROUNDS); round += 1) {
    const sequential = await runSequential(client, SEQUENTIAL);
    const shapes = {
      'four stages': await measureShape('four stages'),
      'one stage': await measureShape('one stage'),
    };
    const times = [sequential.ms, shapes['four stages'].changeMs, shapes['one stage'].changeMs];
    run.say(
      `round ${round}: ${SEQUENTIAL} activities, four stages, one stage: ${times.map(Math.round).join(', ')} ms`,
    );
    if (round > 0) rounds.push({ sequential, shapes });
  }
  await Promise.all([close(), connection.close(), ...services.map((service) => service.stop())]);
  return rounds;
}

function findingsOf(rounds: readonly Round[]): Finding[] {
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
  return shapes.toSorted((a, b) => a.name.localeCompare(b.name));
}

function figuresOf(rounds: readonly Round[]): Measured['figures'] {
  const figures: Measured['figures'] = {
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
  return figures;
}
