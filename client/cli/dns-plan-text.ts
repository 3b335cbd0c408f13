import type { DnsPlan, PlannedResource, Stage } from '../../domain/change/plan.ts';
import type { RecordChange, RecordGroup, RecordSet } from '../../domain/kinds/dns-records.ts';
import { diffLine, type Style } from './style.ts';
import { duration } from './time-text.ts';

/** The records of one zone: before and after, stage by stage, and the way back. */
export function dnsPlanLines(plan: DnsPlan, style: Style): string[] {
  return [
    `${style('bold', 'Plan')}  zone ${plan.zone}, environment ${plan.environment}`,
    '',
    ...plan.resources.flatMap((resource) => resourceLines(resource, style)),
    style('bold', 'Stages'),
    ...plan.stages.flatMap((stage) => stageLines(stage, plan, style)),
    `${style('bold', 'Back')}    in one batch, from any stage: ${inverseLine(plan)}`,
  ];
}

function resourceLines(
  { resource, before, after, baseDigest, committedDigest }: PlannedResource,
  style: Style,
) {
  const sign = before.length === 0 ? '+' : after.length === 0 ? '-' : '~';
  const drifted = committedDigest !== null && committedDigest !== baseDigest;
  return [
    `  ${diffLine(sign, style)} ${style('bold', resource)}`,
    ...groupDiff(before, after).map((line) => `      ${diffLine(line, style)}`),
    style('dim', `      base ${baseDigest ?? 'does not exist'}`),
    ...(drifted ? [style('yellow', `      drift: the log last committed ${committedDigest}`)] : []),
    '',
  ];
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

function stageLines(stage: Stage, plan: DnsPlan, style: Style): string[] {
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

function inverseLine(plan: DnsPlan): string {
  const changes = plan.stages.at(-1)?.inverse ?? [];
  return changes.map(changeText).join('  ') || 'nothing to do';
}

function changeText({ action, recordSet }: RecordChange): string {
  return `${action === 'DELETE' ? '-' : '+'} ${recordSet.name} ${recordSet.type} ${recordText(recordSet)}`;
}
