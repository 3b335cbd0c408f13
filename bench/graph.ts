import { cycleFrom, type WouldBe } from '../domain/causality/would-be.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import type { LogState } from '../domain/log/state.ts';
import { nowMs } from './aws-calls.ts';
import { type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import { median } from './statistics.ts';

const RESOURCES = 10_000;
const EDGES = 50_000;
const LIMIT_MS = 50;
const ROUNDS = 11;

/** As the fold asks it at a commit's index, of one document that depends on all others. Without a cycle all is walked. */
export async function measureCycles(run: Run): Promise<Measured> {
  const world = acyclicWorld();
  const rounds = Array.from({ length: roundsOf(run, ROUNDS) }, () => {
    const startMs = nowMs();
    const cycle = cycleFrom(world);
    const tookMs = nowMs() - startMs;
    if (cycle !== null) throw new Error('The graph has no cycle.');
    return tookMs;
  });
  const cycleMs = median(rounds);
  return {
    findings: [
      {
        name: `6 cycle check, ${RESOURCES} nodes and ${EDGES} edges / ${LIMIT_MS} ms`,
        ratio: cycleMs / LIMIT_MS,
        bound: 'max',
        target: 1,
      },
    ],
    figures: { 'cycle check, ms': cycleMs, 'cycle check, slowest (cold) ms': Math.max(...rounds) },
  };
}

function acyclicWorld(): WouldBe {
  const nodes = Array.from({ length: RESOURCES }, (_, i) => `config/service-${i}/timeouts`);
  const targets = nodes.map((): string[] => []);
  for (let edge = RESOURCES; edge < EDGES; edge += 1) {
    const from = 1 + ((edge * 7_919) % (RESOURCES - 1));
    targets[from]?.push(nodes[(edge * 104_729) % from] ?? '');
  }
  const digest = digestOf('any');
  const version = { digest, version: '1.0.0', versionDigest: null, parent: null, clock: 1, vector: {} };
  const live: LogState['live'] = Object.fromEntries(
    nodes.map((node, i) => [
      node,
      { ...version, dependsOn: targets[i] ?? [], changeId: 'change', index: 1, canary: null },
    ]),
  );
  const root = { resource: 'config/all/timeouts', digest, version: '1.0.0', dependsOn: nodes };
  return {
    state: { live, changes: {}, ended: {} },
    moves: new Map([[root.resource, root]]),
    dependentsOf: () => [],
  };
}
