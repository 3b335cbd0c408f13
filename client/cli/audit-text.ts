import type { Discrepancy } from '../../domain/evidence/audit-entries.ts';
import type { Pins } from '../../domain/evidence/export-layout.ts';
import type { ProofVerdict } from '../../domain/evidence/proof.ts';
import type { ReplayedDecision } from '../../domain/evidence/replay-change.ts';
import type { MadeBy } from '../../domain/evidence/statements.ts';
import type { ExportVerdict } from '../../domain/evidence/verify-export.ts';
import { approversOf, type ChangeStory, type LiveAt } from '../audit/timeline.ts';
import type { Style } from './style.ts';
import { localTime } from './time-text.ts';

/** Every discrepancy with its place, then one line that says it all. */
export function exportVerdictText(verdict: ExportVerdict, name: string, style: Style): string {
  const { fates, effects, size } = verdict;
  const facts = [
    `${size} entries (${fates.honoured} count, ${fates.void + fates.duplicate + fates.inert} do not)`,
    `${effects.judged} effects proven${effects.unjudged > 0 ? `, ${effects.unjudged} of changes that are not in this export` : ''}`,
    `${verdict.changes} changes with their bodies`,
  ];
  return verdictText(verdict, `${name}: ${verdict.environment}, ${facts.join(', ')}`, style);
}

export function proofVerdictText(verdict: ProofVerdict, name: string, style: Style): string {
  const facts = `${verdict.entries.length} entries of a log of ${verdict.size}, ${verdict.effects.judged} effects proven`;
  return verdictText(
    verdict,
    `${name}: change ${verdict.changeId} in ${verdict.environment}, ${facts}`,
    style,
  );
}

function verdictText(
  verdict: {
    ok: boolean;
    discrepancies: readonly Discrepancy[];
    cosignedAt: string | null;
    pins: Pins | null;
  },
  facts: string,
  style: Style,
): string {
  const { ok, discrepancies, cosignedAt, pins } = verdict;
  const lines = discrepancies.map((one) => discrepancyText(one, style));
  if (pins !== null) {
    lines.push(`Trusted  trust document ${pins.trustDigest}\n`);
    for (const vkey of [pins.logKey, ...pins.witnessKeys]) lines.push(`         ${vkey}\n`);
  }
  lines.push(
    ok
      ? `${style('green', 'VERIFIED')} ${facts}${cosignedAt === null ? '' : `, cosigned ${localTime(cosignedAt)}`}.\n`
      : `${style('red', 'FAILED')}   ${discrepancies.length} discrepanc${discrepancies.length === 1 ? 'y' : 'ies'} in ${facts}.\n`,
  );
  return lines.join('');
}

function discrepancyText({ entry, file, rule, message, remedy }: Discrepancy, style: Style): string {
  const place = [entry === null ? [] : `entry ${entry}`, file ?? []].flat().join(', ') || 'the whole';
  return `${style('red', '✗')} ${style('bold', place)}  ${style('yellow', rule)}  ${message}\n      → ${remedy}\n`;
}

export function storyText(story: ChangeStory, style: Style): string {
  const { changeId, author, resources, requestedAt, requestIndex, votes, decisions, steps, ended } = story;
  const at = (index: number) => style('dim', `(entry ${index})`);
  const colour = ended === null ? 'yellow' : ended.status === 'committed' ? 'green' : 'red';
  const line = (when: string, what: string, index: number) => `  ${localTime(when)}  ${what} ${at(index)}\n`;
  return [
    `${style('bold', changeId)}  ${style(colour, ended?.status ?? 'open')}  ${resources.join(', ')}\n`,
    line(requestedAt, `asked for by ${author}`, requestIndex),
    ...votes.map((vote) => line(vote.at, `${vote.voter} votes ${vote.decision}`, vote.index)),
    ...decisions.map((one) =>
      line(one.at, `${one.decision} by ${one.approver}${one.accepted ? '' : ', refused'}`, one.index),
    ),
    ...steps.map((step) => line(step.at, step.what, step.index)),
    ...(ended === null
      ? []
      : [
          line(
            ended.at,
            `${ended.status}, allowed by ${approversOf(story).join(', ') || 'nobody'}`,
            ended.index,
          ),
        ]),
    '\n',
  ].join('');
}

export function liveAtText({ size, live }: LiveAt, at: string, style: Style): string {
  const head = `At ${localTime(at)}, after ${size} entries:\n`;
  if (live.length === 0) return `${head}  nothing was live.\n`;
  const lines = live.map(({ resource, digest, version, changeId, index, author, approvedBy, canary }) => {
    const what = digest === null ? 'removed' : (version ?? `${digest.slice(0, 19)}…`);
    const who = `by ${author ?? 'nobody known'}, allowed by ${approvedBy.join(', ') || 'nobody'}`;
    const arm =
      canary === null
        ? ''
        : `; ${canary.version ?? 'another'} for ${canary.zones.join(', ') || `${canary.percent} %`} (${canary.changeId})`;
    return `  ${resource}  ${style('bold', what)}  ${changeId} ${who} ${style('dim', `(entry ${index})`)}${arm}\n`;
  });
  return head + lines.join('');
}

/** Enough of the rules' digest to see whether two are the same; all of it is in the JSON. */
export function buildText({ build, rules }: Pick<MadeBy, 'build' | 'rules'>): string {
  return `${build}, rules ${rules.slice(0, 'sha256:'.length + 12)}…`;
}

export function decisionText(decision: ReplayedDecision, style: Style): string {
  const colour = { same: 'green', different: 'red', 'not-recomputable': 'yellow' } as const;
  const { result, index, about, recorded, recomputed, why } = decision;
  const name = decision.decision.padEnd(11);
  const difference = result === 'different' ? `  recorded ${recorded}; here ${recomputed}` : '';
  const reason = why === null ? '' : `  ${why}`;
  const by = decision.madeBy === null ? '' : `  ${style('dim', `by ${buildText(decision.madeBy)}`)}`;
  return `${String(index).padStart(6)}  ${style(colour[result], result.padEnd(16))}  ${name}  ${about}${difference}${reason}${by}\n`;
}
