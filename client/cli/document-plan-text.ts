import type { DocumentEdit, DocumentPlan, PlannedDocument } from '../../domain/change/document-plan.ts';
import { diffLine, type Style } from './style.ts';
import { duration } from './time-text.ts';

/** The documents of one batch: each edit, who gets them when, and what depends on them. */
export function documentPlanLines(plan: DocumentPlan, style: Style, isOverride: boolean): string[] {
  const { blastRadius } = plan;
  const back = isOverride
    ? 'by another change; nothing takes it back by itself'
    : 'one entry takes the new versions away from everybody';
  return [
    `${style('bold', 'Plan')}  documents, environment ${plan.environment}`,
    '',
    ...plan.resources.flatMap((planned) => resourceLines(planned, style)),
    style('bold', 'Stages'),
    ...plan.stages.map((stage) => stageLine(stage, plan, style)),
    `${style('bold', 'Back')}    ${back}`,
    `${style('bold', 'Reach')}   ${blastRadius.length === 0 ? 'nothing depends on it' : blastRadius.join(', ')}`,
  ];
}

function resourceLines(planned: PlannedDocument, style: Style): string[] {
  const sign = planned.baseDigest === null ? '+' : planned.targetDigest === null ? '-' : '~';
  const versions = [planned.baseVersion ?? 'new', planned.targetVersion ?? 'removed'].join(' → ');
  return [
    `  ${diffLine(sign, style)} ${style('bold', planned.resource)}  ${versions}`,
    ...planned.edits.flatMap((edit) => editLines(edit).map((line) => `      ${diffLine(line, style)}`)),
    ...planned.dependsOn.map((needed) => style('dim', `      needs ${needed}`)),
    style('dim', `      base ${planned.baseDigest ?? 'does not exist'}`),
    '',
  ];
}

/** An edit the way Terraform shows it: `~ /timeoutMs: 800 → 900`. */
export function editLines(edit: DocumentEdit): string[] {
  const place = edit.path === '' ? '(whole document)' : edit.path;
  const [before, after] = ['before' in edit, 'after' in edit];
  if (before && after) {
    return [`~ ${place}: ${JSON.stringify(edit.before)} → ${JSON.stringify(edit.after)}`];
  }
  return before
    ? [`- ${place}: ${JSON.stringify(edit.before)}`]
    : [`+ ${place}: ${JSON.stringify(edit.after)}`];
}

function stageLine(stage: DocumentPlan['stages'][number], plan: DocumentPlan, style: Style): string {
  const who =
    plan.strategy === 'consumers'
      ? `${stage.percent} % of consumers`
      : plan.strategy === 'zones'
        ? stage.zones.join(', ')
        : 'every consumer';
  const samples = `≥ ${plan.rollout.minimumSamples} samples an arm`;
  const evidence =
    plan.rollout.consumers === 'none'
      ? `and passes if nobody reports: its author says that no service reads it yet (else ${samples})`
      : samples;
  const watched = stage.baked
    ? `watched for ${duration(plan.rollout.bakeMs)} or more, ${evidence}`
    : 'not watched';
  return `  ${stage.name.padEnd(10)}  ${who}  ${style('dim', watched)}`;
}
