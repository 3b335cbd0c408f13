import { submissionQuestions } from '../domain/permissions/change-questions.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import { createCedarEngine } from '../infra/cedar/cedar-engine.ts';
import { samplePlan, sampleTrust } from '../test/support/sample-change.ts';
import { nowMs } from './aws-calls.ts';
import { type Run, roundsOf } from './part.ts';
import type { Measured } from './report.ts';
import { median } from './statistics.ts';

const ROUNDS = 11;
const DECISIONS = 1_000;
const POLICY_COUNTS = [2, 50];

/**
 * Permission decisions a second on one core, as a voter makes one: the question of a plan, answered by a policy that
 * was read before.
 */
export async function measurePermissions(run: Run): Promise<Measured> {
  const [question] = submissionQuestions(samplePlan(), principalOf(sampleTrust(), 'ada'), 1);
  if (question === undefined) throw new Error('the sample plan asks nothing');
  const engine = createCedarEngine();
  const texts = POLICY_COUNTS.map(policiesOf);
  const perSecond = texts.map((): number[] => []);
  for (let round = 0; round <= roundsOf(run, ROUNDS); round += 1) {
    for (const [i, cedar] of texts.entries()) {
      const startMs = nowMs();
      for (let n = 0; n < DECISIONS; n += 1) {
        if (!engine.decide(cedar, question).allowed) throw new Error('the sample author may submit');
      }
      if (round > 0) perSecond[i]?.push((DECISIONS * 1000) / (nowMs() - startMs));
    }
  }
  const figures = POLICY_COUNTS.map((count, i) => [
    `permission decisions a second, ${count} policies`,
    median(perSecond[i] ?? []),
  ]);
  return { findings: [], figures: Object.fromEntries(figures) };
}

/** One that permits, and one that forbids something else for each of the others. */
function policiesOf(count: number): string {
  const forbids = Array.from(
    { length: count - 1 },
    (_, i) =>
      `@id("p${i}") forbid (principal, action == Action::"submit", resource) when { resource.name like "dns/zone-${i}/*" };`,
  );
  const permit =
    '@id("authors-submit") permit (principal in Role::"author", action == Action::"submit", resource);';
  return [permit, ...forbids].join('\n');
}
