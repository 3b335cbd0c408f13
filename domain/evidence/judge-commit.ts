import type { Plan } from '../change/plan.ts';
import type { Violation } from '../errors.ts';
import { isWithdrawal } from '../log/entry.ts';
import type { ChangeRecord } from '../log/state.ts';
import { canonicalText } from './canonical-json.ts';
import type { CommitPredicate, Rollout } from './statements.ts';

/**
 * Whether a commit or an exposure moves exactly what its plan says, and no earlier than its stages allow. The fold
 * cannot ask this: it has no bodies. Returns every violation; never throws.
 */
export function judgeCommit(commit: CommitPredicate, change: ChangeRecord, plan: Plan): Violation[] {
  return [...judgeMoves(commit, plan), ...judgeTime(commit, change, plan)];
}

function judgeMoves({ moves }: CommitPredicate, plan: Plan): Violation[] {
  const planned = plan.resources.map((one) => ({
    resource: one.resource,
    from: 'committedDigest' in one ? one.committedDigest : one.baseDigest,
    to: one.targetDigest,
    version: 'targetVersion' in one ? one.targetVersion : null,
    clock: plan.clock,
  }));
  const said = moves.map(({ resource, from, to, version, clock }) => ({
    resource,
    from,
    to,
    version,
    clock,
  }));
  return expect(
    canonicalText(said) === canonicalText(planned),
    'moves-as-planned',
    `It moves ${canonicalText(said)}; the plan says ${canonicalText(planned)}.`,
  );
}

function judgeTime(commit: CommitPredicate, change: ChangeRecord, plan: Plan): Violation[] {
  const { rollout } = commit;
  if (rollout !== null && isWithdrawal(rollout)) return [];
  const intent = change.intents.at(-1);
  if (intent === undefined) return expect(false, 'intent-first', 'No intent of its change comes before it.');
  if (rollout !== null) return judgeExposure(rollout, intent.stage, plan);
  const last = plan.stages.at(-1);
  const outcomes = change.outcomes.filter(({ planDigest }) => planDigest === intent.planDigest);
  const applied = outcomes.some(
    (one) => one.intentIndex === intent.index && one.direction === 'forward' && one.result === 'applied',
  );
  const undone = outcomes.some((one) => one.direction === 'rollback' && one.result === 'applied');
  const verdict = change.verdicts.findLast(
    (one) => one.stage === last?.name && one.planDigest === intent.planDigest,
  );
  return [
    ...expect(
      intent.stage === last?.name && applied,
      'last-stage-applied',
      `Its last stage ${last?.name} is not applied; the newest intent is ${intent.stage}.`,
    ),
    ...expect(!undone, 'not-rolled-back', 'Its change was rolled back before.'),
    ...expect(
      last?.baked !== true || verdict?.verdict === 'pass',
      'stage-verdict',
      `Its last stage needs a passing verdict; the newest is ${verdict?.verdict ?? 'none'}.`,
    ),
  ];
}

function judgeExposure({ stage, percent, zones }: Rollout, intended: string, plan: Plan): Violation[] {
  const planned = plan.kind === 'documents' ? plan.stages.find(({ name }) => name === stage) : undefined;
  return [
    ...expect(intended === stage, 'intent-first', `The newest intent is ${intended}, not ${stage}.`),
    ...expect(
      planned?.percent === percent && canonicalText(planned.zones) === canonicalText(zones),
      'stage-as-planned',
      `It exposes stage ${stage} to ${percent} % and [${zones.join(', ')}]; the plan says otherwise.`,
    ),
  ];
}

function expect(holds: boolean, rule: string, message: string): Violation[] {
  return holds
    ? []
    : [
        {
          code: 'BUNDLE_INCOMPLETE',
          rule,
          message,
          remedy: 'Ask whoever runs the enactor why it signed this.',
        },
      ];
}
