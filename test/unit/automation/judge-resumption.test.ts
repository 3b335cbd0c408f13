import { expect, it } from 'vitest';
import { type HeldCanary, judgeResumption, type ZoneSeen } from '../../../domain/canary/judge-resumption.ts';
import type { Verdict } from '../../../domain/evidence/statements.ts';

const WELL: ZoneSeen = { az: 'a', seen: { healthy: true, frozen: false } };
const canary = (verdict: Verdict): HeldCanary => ({
  changeId: 'chg-1',
  stage: '10%',
  verdict,
  reasons: ['seen'],
});

it.each<[string, ZoneSeen[], HeldCanary[], Verdict, string]>([
  ['all is well', [WELL], [canary('pass')], 'pass', 'a is healthy'],
  ['nobody looked at a zone', [], [], 'inconclusive', ''],
  [
    'a voter is silent',
    [WELL, { az: 'b', seen: null }],
    [],
    'inconclusive',
    'the voter of b does not answer',
  ],
  [
    'a zone is held by its own people',
    [{ az: 'b', seen: { healthy: true, frozen: true, reason: 'wait' } }],
    [],
    'inconclusive',
    'b is frozen by its own switch: wait',
  ],
  [
    'a zone is ill',
    [WELL, { az: 'b', seen: { healthy: false, frozen: true, reason: 'dark' } }],
    [],
    'fail',
    'b is not healthy: dark',
  ],
  ['a canary is ill', [WELL], [canary('fail'), canary('inconclusive')], 'fail', 'chg-1 at 10%: fail (seen)'],
  [
    'a canary is unclear',
    [WELL],
    [canary('inconclusive')],
    'inconclusive',
    'chg-1 at 10%: inconclusive (seen)',
  ],
])('judges when %s', (_name, zones, canaries, verdict, first) => {
  const judged = judgeResumption(zones, canaries);
  expect(judged.verdict).toBe(verdict);
  expect(judged.reasons[0] ?? '').toBe(first);
});
