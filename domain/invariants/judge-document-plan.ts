import type { DocumentPlan } from '../change/document-plan.ts';
import {
  type GovernedDocument,
  type GovernedSwitch,
  governedDocuments,
  isChanged,
} from '../change/governed-document.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import type { LogState } from '../log/state.ts';
import { judgeAgainstSchemas, judgeConfigs } from './config-rules.ts';
import { judgeDocumentRollout } from './document-rollout-rules.ts';
import { judgeSchemas } from './schema-rules.ts';
import { WouldBeDocuments } from './would-be-documents.ts';

export interface DocumentPlanFacts {
  /** Parsed bodies by digest: those of `liveBodiesJudged`, or more, and every target of the plan. */
  bodies: ReadonlyMap<Digest, unknown>;
  live: LogState['live'];
  request: ChangeRequest;
  policy: Policy;
  /** Since the epoch: for what expires. */
  nowMs: number;
}

/**
 * Judges the documents that would be live after a plan, and how they would get there: rules about the result, not
 * only about the request. Returns all violations. Documents that the plan cannot affect are not judged, so that what
 * expires elsewhere blocks nobody. Throws `NOT_FOUND` for a body that is not in `bodies`.
 */
export function judgeDocumentPlan(plan: DocumentPlan, facts: DocumentPlanFacts): Violation[] {
  const { live, bodies, request, nowMs } = facts;
  const documents = governedDocuments(plan, bodies);
  const world = new WouldBeDocuments(documents, live, bodies);
  return [
    ...judgeBase(documents, live),
    ...judgeConfigs(
      documents.filter((one) => one.kind === 'config'),
      nowMs,
    ),
    ...judgeAgainstSchemas(world),
    ...judgeSchemas(
      documents.filter((one) => one.kind === 'schema'),
      world,
    ),
    ...judgeSwitches(
      documents.filter((one) => one.kind === 'switch'),
      nowMs,
    ),
    ...judgeDocumentRollout(plan, documents, request.metadata.emergency),
  ];
}

function judgeBase(documents: readonly GovernedDocument[], live: LogState['live']): Violation[] {
  return documents
    .filter((one) => (live[one.resource]?.digest ?? null) !== one.baseDigest)
    .map(({ resource, path }) => ({
      code: 'STALE_BASE',
      rule: 'base-is-live',
      path,
      message: `${resource} is no longer what the plan was made against.`,
      remedy: 'Plan again, look at the new diff, and submit that.',
    }));
}

function judgeSwitches(switches: readonly GovernedSwitch[], nowMs: number): Violation[] {
  return switches.filter(isChanged).flatMap(({ resource, path, after }): Violation[] => {
    if (after === null || Date.parse(after.expiresAt) > nowMs) return [];
    return [
      {
        code: 'INVARIANT_VIOLATED',
        rule: 'switch-not-expired',
        path: `${path}.body.expiresAt`,
        message: `${resource} would be expired already and say "${after.safeState}", whatever it is set to.`,
        remedy: 'Choose a time to come until which it is needed.',
      },
    ];
  });
}
