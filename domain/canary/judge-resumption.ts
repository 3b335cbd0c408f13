import type { Verdict } from '../evidence/statements.ts';

/** How an availability zone is, as its own voter sees it; null when the voter did not answer. */
export interface ZoneSeen {
  az: string;
  seen: { healthy: boolean; frozen: boolean; reason?: string } | null;
}

/** How a change that is part of the way does, at the stage that is live. */
export interface HeldCanary {
  changeId: string;
  stage: string;
  verdict: Verdict;
  reasons: string[];
}

/**
 * Whether a gradual resumption may release its next availability zone. `fail`: a zone is not healthy, or a canary that
 * is live fails. `inconclusive`: a voter does not answer, a zone is frozen by those who run it, or a canary is
 * inconclusive. Only else it is a `pass`. Reasons carry everything that was seen. Never throws.
 */
export function judgeResumption(
  zones: readonly ZoneSeen[],
  canaries: readonly HeldCanary[],
): { verdict: Verdict; reasons: string[] } {
  const findings = [...zones.map(ofZone), ...canaries.map(ofCanary)];
  const worst = (['fail', 'inconclusive'] as const).find((one) =>
    findings.some(({ verdict }) => verdict === one),
  );
  const verdict = worst ?? (zones.length > 0 ? 'pass' : 'inconclusive');
  const telling = findings.toSorted((a, b) => SEVERITY[b.verdict] - SEVERITY[a.verdict]);
  return { verdict, reasons: telling.map(({ reason }) => reason) };
}

const SEVERITY: Record<Verdict, number> = { fail: 2, inconclusive: 1, pass: 0 };

interface Finding {
  verdict: Verdict;
  reason: string;
}

function ofZone({ az, seen }: ZoneSeen): Finding {
  if (seen === null) return { verdict: 'inconclusive', reason: `the voter of ${az} does not answer` };
  const why = seen.reason === undefined ? '' : `: ${seen.reason}`;
  if (!seen.healthy) return { verdict: 'fail', reason: `${az} is not healthy${why}` };
  if (seen.frozen) return { verdict: 'inconclusive', reason: `${az} is frozen by its own switch${why}` };
  return { verdict: 'pass', reason: `${az} is healthy` };
}

function ofCanary({ changeId, stage, verdict, reasons }: HeldCanary): Finding {
  return { verdict, reason: `${changeId} at ${stage}: ${verdict} (${reasons.join('; ')})` };
}
