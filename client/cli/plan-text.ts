import type { Plan } from '../../domain/change/plan.ts';
import type { PlanPreview } from '../control-plane.ts';
import { dnsPlanLines } from './dns-plan-text.ts';
import { documentPlanLines } from './document-plan-text.ts';
import type { Style } from './style.ts';

/** The plan as people know it from Terraform: what is there, what will be there, and how it gets there and back. */
export function planText(
  plan: Plan,
  needs: PlanPreview['needs'],
  style: Style,
  { isOverride = false } = {},
): string {
  return [
    ...(plan.kind === 'dns' ? dnsPlanLines(plan, style) : documentPlanLines(plan, style, isOverride)),
    `${style('bold', 'Risk')}    ${plan.risk.score}/100, ${plan.risk.class}`,
    ...plan.risk.reasons.map(({ points, reason }) => `          +${points}  ${reason}`),
    ...needsLines(needs, style),
    ...plan.dependsOn.map((dependency) => `${style('bold', 'After')}   ${dependency}`),
    '',
  ].join('\n');
}

function needsLines(needs: PlanPreview['needs'], style: Style): string[] {
  if (needs === null) return [];
  const people = needs.approvals === 1 ? '1 person who is' : `${needs.approvals} people who are`;
  return [
    `${style('bold', 'Needs')}   ${needs.votes} of ${needs.voters} votes, and approval by ${people} not the author` +
      (needs.secondFactor ? ', with a second factor' : ''),
  ];
}
