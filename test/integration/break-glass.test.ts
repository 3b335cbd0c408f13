import { afterAll, expect, test } from 'vitest';
import { type Scratch, startScratch } from '../../client/compose-drill.ts';
import { type DrillStep, drillBreakGlass } from '../../client/drill/break-glass-drill.ts';

/** The drill itself, on servers of its own: it kills Temporal and takes the store away. */
let scratch: Scratch | undefined;
afterAll(() => scratch?.stop());

test('with engine, quorum and log gone, two people change the zone, and all of it is in the log in the end', async () => {
  scratch = await startScratch(() => {});
  const told: DrillStep[] = [];
  const steps = await drillBreakGlass(
    scratch.scene,
    () => performance.now(),
    (step) => told.push(step),
  );
  expect(steps.filter(({ held }) => !held)).toEqual([]);
  expect(told).toEqual(steps);
  expect(steps.map(({ detail }) => detail)).toEqual([
    'refused: ENGINE_UNAVAILABLE',
    'refused: SCHEMA_INVALID',
    expect.stringMatching(/^bg-drill-127-0-0-2 is live, fence \d+$/),
    'refused: guard-log, guard-freeze, guard-reservation, guard-causality, guard-limits',
    expect.stringMatching(/^bg-drill-127-0-0-3 is live, fence \d+\.o[0-9a-f]{16}, in the spool$/),
    expect.stringMatching(/^it expected \d+; \d+\.o[0-9a-f]{16} is live and stays$/),
    expect.stringMatching(/^entries \d+, \d+; again: nothing$/),
    'refused: NOT_PERMITTED',
    'closed by alice',
    'no discrepancy',
  ]);
});
