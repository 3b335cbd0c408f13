import type { Plan, PlannedResource, Stage } from '../../domain/change/plan.ts';
import type { RecordChange, RecordGroup, RecordSet } from '../../domain/kinds/dns-records.ts';
import type { PlanPreview } from '../control-plane.ts';
import type { Style } from './style.ts';
import { duration } from './time-text.ts';

/** The plan as people know it from Terraform: what is there, what will be there, and how it gets there and back. */
export function planText(plan: Plan, needs: PlanPreview['needs'], style: Style): string {
  return [
    `${style('bold', 'Plan')}  zone ${plan.zone}, environment ${plan.environment}`,
    '',
    ...plan.resources.flatMap((resource) => resourceLines(resource, style)),
    style('bold', 'Stages'),
    ...plan.stages.flatMap((stage) => stageLines(stage, plan, style)),
    `${style('bold', 'Back')}    in one batch, from any stage: ${inverseLine(plan)}`,
    `${style('bold', 'Risk')}    ${plan.risk.score}/100, ${plan.risk.class}`,
    ...plan.risk.reasons.map(({ points, reason }) => `          +${points}  ${reason}`),
    ...needsLines(needs, style),
    ...plan.dependsOn.map((dependency) => `${style('bold', 'After')}   ${dependency}`),
    '',
  ].join('\n');
}

function resourceLines(
  { resource, before, after, baseDigest, committedDigest }: PlannedResource,
  style: Style,
) {
  const sign = before.length === 0 ? '+' : after.length === 0 ? '-' : '~';
  const drifted = committedDigest !== null && committedDigest !== baseDigest;
  return [
    `  ${coloured(sign, style)} ${style('bold', resource)}`,
    ...groupDiff(before, after).map((line) => `      ${coloured(line, style)}`),
    style('dim', `      base ${baseDigest ?? 'does not exist'}`),
    ...(drifted ? [style('yellow', `      drift: the log last committed ${committedDigest}`)] : []),
    '',
  ];
}

function coloured(line: string, style: Style): string {
  const colour = { '+': 'green', '-': 'red', '~': 'yellow' } as const;
  const sign = line[0];
  return sign === '+' || sign === '-' || sign === '~' ? style(colour[sign], line) : line;
}

/** One line a member: gone, new, or with its fields from → to. */
function groupDiff(before: RecordGroup, after: RecordGroup): string[] {
  const old = new Map(before.map((set) => [set.setIdentifier ?? '', set]));
  const now = new Map(after.map((set) => [set.setIdentifier ?? '', set]));
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((id) => {
    const [from, to] = [old.get(id), now.get(id)];
    if (!from) return to ? [`+ ${recordText(to)}`] : [];
    if (!to) return [`- ${recordText(from)}`];
    return fieldDiff(from, to);
  });
}

function fieldDiff(from: RecordSet, to: RecordSet): string[] {
  const lines: string[] = [];
  const label = to.setIdentifier === undefined ? '' : `${to.setIdentifier}: `;
  if (from.ttlSeconds !== to.ttlSeconds) lines.push(`~ ${label}ttl ${from.ttlSeconds} → ${to.ttlSeconds}`);
  if (from.weight !== to.weight) lines.push(`~ ${label}weight ${from.weight} → ${to.weight}`);
  for (const value of from.values) if (!to.values.includes(value)) lines.push(`- ${label}${value}`);
  for (const value of to.values) if (!from.values.includes(value)) lines.push(`+ ${label}${value}`);
  return lines.length === 0 ? ['  (no difference)'] : lines;
}

function recordText({ ttlSeconds, values, setIdentifier, weight }: RecordSet): string {
  const member = setIdentifier === undefined ? '' : `${setIdentifier} weight ${weight}: `;
  return `${member}${values.join(', ')} (ttl ${ttlSeconds})`;
}

function stageLines(stage: Stage, plan: Plan, style: Style): string[] {
  const watched = stage.baked
    ? style(
        'dim',
        `watched for ${duration(plan.rollout.bakeMs)} or more, ≥ ${plan.rollout.minimumSamples} samples an arm`,
      )
    : style('dim', 'then read back');
  const weighted = stage.live.filter((set) => set.weight !== undefined);
  const arms = weighted.map((set) => `${set.setIdentifier} ${set.weight} (${set.values.join(', ')})`);
  return [`  ${stage.name.padEnd(6)}  ${arms.length === 0 ? 'as declared' : arms.join('  ')}  ${watched}`];
}

function inverseLine(plan: Plan): string {
  const changes = plan.stages.at(-1)?.inverse ?? [];
  return changes.map(changeText).join('  ') || 'nothing to do';
}

function changeText({ action, recordSet }: RecordChange): string {
  return `${action === 'DELETE' ? '-' : '+'} ${recordSet.name} ${recordSet.type} ${recordText(recordSet)}`;
}

function needsLines(needs: PlanPreview['needs'], style: Style): string[] {
  if (needs === null) return [];
  const people = needs.approvals === 1 ? '1 person who is' : `${needs.approvals} people who are`;
  return [
    `${style('bold', 'Needs')}   ${needs.votes} of ${needs.voters} votes, and approval by ${people} not the author`,
  ];
}
