import { describe, expect, test } from 'vitest';
import { watchConsumers } from '../../../activities/documents/watch-consumers.ts';
import type { PacedWait } from '../../../activities/ports/paced-wait.ts';
import type { AnalysisPorts } from '../../../activities/role-ports.ts';
import { type ConsumerReport, parseConsumerReports } from '../../../domain/canary/consumer-report.ts';
import type { DocumentPlan, DocumentStage } from '../../../domain/change/document-plan.ts';
import { digestOf, digestOfBytes } from '../../../domain/evidence/canonical-json.ts';

const RESOURCE = 'config/payments/timeouts';
const [OLD, NEW] = [digestOf('old'), digestOf('new')];
const STARTED_MS = Date.parse('2026-03-01T12:00:00Z');
const BAKE_MS = 10_000;
const STAGE: DocumentStage = { name: '33%', percent: 33, zones: ['a'], baked: true };

/** The exposure is in the log; `reportsAt` says what has been reported by then. */
function scene(reportsAt: (nowMs: number) => ConsumerReport[], exposed = '33%') {
  let nowMs = STARTED_MS;
  const stored: Uint8Array[] = [];
  const ports = {
    clock: { nowMs: () => nowMs },
    pause: async (ms: number) => {
      nowMs += ms;
    },
    reports: { read: async () => reportsAt(nowMs) },
    bodies: {
      put: async (bytes: Uint8Array) => {
        stored.push(bytes);
        return digestOfBytes(bytes);
      },
    },
    log: {
      sync: async () => ({
        changes: {
          chg: {
            exposures: [
              {
                rollout: { stage: exposed, percent: 33, zones: ['a'] },
                moves: [{ resource: RESOURCE, from: OLD, to: NEW }],
                at: new Date(STARTED_MS).toISOString(),
              },
            ],
          },
        },
        ended: {},
      }),
    },
  };
  const plan = { changeId: 'chg', rollout: { bakeMs: BAKE_MS, minimumSamples: 10 } };
  return {
    watch: () => watchConsumers(ports as unknown as AnalysisPorts & PacedWait, plan as DocumentPlan, STAGE),
    stored,
    elapsedMs: () => nowMs - STARTED_MS,
  };
}

function report(arm: 'stable' | 'canary', errors = 0, fromMs = STARTED_MS): ConsumerReport {
  return {
    ...{ environment: 'prod', changeId: 'chg', resource: RESOURCE, arm, errors, samples: 100 },
    instanceId: `${arm}-1`,
    zone: arm === 'canary' ? 'a' : 'b',
    digest: arm === 'canary' ? NEW : OLD,
    latencyP50Ms: 5,
    latencyP99Ms: 9,
    from: new Date(fromMs).toISOString(),
    to: new Date(fromMs + 1_000).toISOString(),
  };
}

describe('watchConsumers', () => {
  test('passes at the end of the bake, never before', async () => {
    const { watch, elapsedMs } = scene(() => [report('stable'), report('canary')]);
    expect(await watch()).toMatchObject({ verdict: 'pass', arms: { canary: { samples: 100 } } });
    expect(elapsedMs()).toBe(BAKE_MS);
  });

  test('stores what it judged, once, so that it can be judged again', async () => {
    const before = report('stable', 0, STARTED_MS - 5_000);
    const { watch, stored } = scene(() => [before, report('stable'), report('canary')]);
    const { reportsDigest } = await watch();
    expect(stored.map(parseConsumerReports)).toEqual([[report('stable'), report('canary')]]);
    expect(stored.map(digestOfBytes)).toEqual([reportsDigest]);
  });

  test('ends at once when the new version clearly fails', async () => {
    const { watch, elapsedMs } = scene((nowMs) => [
      report('stable'),
      report('canary', nowMs >= STARTED_MS + 3_000 ? 90 : 0),
    ]);
    expect((await watch()).verdict).toBe('fail');
    expect(elapsedMs()).toBe(3_000);
  });

  test('looks once more when the bake is over: the last report counts', async () => {
    const { watch } = scene((nowMs) =>
      nowMs < STARTED_MS + BAKE_MS ? [] : [report('stable'), report('canary')],
    );
    expect((await watch()).verdict).toBe('pass');
  });

  test('says that nobody reports, and what was reported before the stage does not count', async () => {
    const { watch } = scene(() => [report('stable', 0, STARTED_MS - 5_000)]);
    const { verdict, reasons } = await watch();
    expect(verdict).toBe('inconclusive');
    expect(reasons[0]).toContain(
      'no consumer has reported since 33% was exposed at 2026-03-01T12:00:00.000Z',
    );
  });

  test('refuses a stage that nobody was exposed to', async () => {
    await expect(scene(() => [], '66%').watch()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
