import { canonicalText } from '../evidence/canonical-json.ts';
import { newFields } from '../kinds/config-invariants.ts';
import { configScope } from '../kinds/config-layers.ts';
import { narrowings } from '../kinds/schema-compatibility.ts';
import { secretReferences } from '../kinds/secrets.ts';
import { approvalsFor, directionOf } from '../kinds/switch.ts';
import { CRITICAL_SCORE } from './assess-risk.ts';
import type { DocumentStrategy } from './document-plan.ts';
import { type GovernedDocument, isChanged } from './governed-document.ts';
import type { Risk, RiskClass } from './risk.ts';

export interface DocumentRiskInput {
  documents: readonly GovernedDocument[];
  strategy: DocumentStrategy;
  blastRadius: readonly string[];
  emergency: boolean;
}

type Reason = Risk['reasons'][number];

/**
 * How much a change of documents can hurt, 0–100, as a sum of reasons, on the scale of `assessRisk`. An edit of one
 * config scores 10. What takes two people by itself (a release, a breaking schema, a policy) is worth `CRITICAL_SCORE`, and a
 * batch that only engages switches is a `brake`: stopping must not wait for a second person.
 */
export function assessDocumentRisk(input: DocumentRiskInput): Risk {
  const changed = input.documents.filter(isChanged);
  const onlyEngages =
    changed.length > 0 &&
    changed.every((one) => one.kind === 'switch' && directionOf(one.before, one.after) === 'engage');
  const reasons = onlyEngages
    ? [{ points: 10, reason: `engages ${namesOf(changed)}` }]
    : [
        gravestEdit(changed),
        releases(changed),
        breakingSchemas(changed),
        permissions(changed),
        configsAtOnce(changed, input.strategy),
        unreadFields(changed),
        movedSecrets(changed),
        sharedLayers(changed),
        reach(input.blastRadius),
        manyDocuments(changed),
      ].filter((reason) => reason !== null);
  const score = Math.min(
    100,
    reasons.reduce((sum, reason) => sum + reason.points, 0),
  );
  return { score, class: classOf(score, onlyEngages, input.emergency), reasons };
}

function classOf(score: number, onlyEngages: boolean, emergency: boolean): RiskClass {
  if (emergency) return 'emergency';
  if (onlyEngages) return 'brake';
  return score >= CRITICAL_SCORE ? 'critical' : 'standard';
}

function gravestEdit(changed: readonly GovernedDocument[]): Reason | null {
  const removed = changed.filter((one) => one.targetDigest === null);
  if (removed.length > 0) return { points: 30, reason: `removes ${namesOf(removed)}` };
  const edited = changed.filter((one) => one.baseDigest !== null);
  if (edited.length > 0) return { points: 10, reason: `changes ${namesOf(edited)}` };
  return changed.length > 0 ? { points: 5, reason: `creates ${namesOf(changed)}` } : null;
}

function releases(changed: readonly GovernedDocument[]): Reason | null {
  const released = changed.filter(
    (one) => one.kind === 'switch' && approvalsFor(directionOf(one.before, one.after)) > 1,
  );
  return released.length > 0 ? { points: CRITICAL_SCORE, reason: `releases ${namesOf(released)}` } : null;
}

function breakingSchemas(changed: readonly GovernedDocument[]): Reason | null {
  const breaking = changed.filter(
    (one) => one.kind === 'schema' && one.before !== null && narrowings(one.before, one.after).length > 0,
  );
  if (breaking.length === 0) return null;
  return { points: CRITICAL_SCORE, reason: `breaks what ${namesOf(breaking)} promised` };
}

function permissions(changed: readonly GovernedDocument[]): Reason | null {
  const policies = changed.filter((one) => one.kind === 'policy');
  if (policies.length === 0) return null;
  return { points: CRITICAL_SCORE, reason: `${namesOf(policies)} says who may do what` };
}

function configsAtOnce(changed: readonly GovernedDocument[], strategy: DocumentStrategy): Reason | null {
  const configs = changed.filter((one) => one.kind === 'config' && one.before !== null);
  if (strategy !== 'at-once' || configs.length === 0) return null;
  return { points: 30, reason: `${namesOf(configs)} reaches every consumer at once` };
}

function unreadFields(changed: readonly GovernedDocument[]): Reason | null {
  const configs = changed.filter(
    (one) =>
      one.kind === 'config' &&
      one.before !== null &&
      one.after !== null &&
      newFields(one.before, one.after).length > 0,
  );
  if (configs.length === 0) return null;
  return { points: 20, reason: `${namesOf(configs)} has fields that no consumer has read before` };
}

function movedSecrets(changed: readonly GovernedDocument[]): Reason | null {
  const configs = changed.filter((one) => {
    if (one.kind !== 'config' || one.before === null) return false;
    const [then, now] = [secretReferences(one.before.value), secretReferences(one.after?.value)];
    return canonicalText(then) !== canonicalText(now);
  });
  return configs.length > 0
    ? { points: 20, reason: `${namesOf(configs)} refers to other secrets than before` }
    : null;
}

function sharedLayers(changed: readonly GovernedDocument[]): Reason | null {
  const layers = changed.filter((one) => one.kind === 'config' && configScope(one.resource).isLayer);
  return layers.length > 0 ? { points: 20, reason: `${namesOf(layers)} lies under many services` } : null;
}

function reach(blastRadius: readonly string[]): Reason | null {
  if (blastRadius.length > 20) return { points: 30, reason: 'more than twenty live resources depend on it' };
  if (blastRadius.length > 5) return { points: 20, reason: 'more than five live resources depend on it' };
  return blastRadius.length > 0 ? { points: 10, reason: 'live resources depend on it' } : null;
}

function manyDocuments(changed: readonly GovernedDocument[]): Reason | null {
  if (changed.length > 20) return { points: 20, reason: 'more than twenty documents at once' };
  if (changed.length > 5) return { points: 10, reason: 'more than five documents at once' };
  return changed.length > 1 ? { points: 5, reason: 'more than one document at once' } : null;
}

function namesOf(documents: readonly GovernedDocument[]): string {
  const shown = documents.slice(0, 3).map((one) => one.resource);
  return [...shown, ...(documents.length > 3 ? [`${documents.length - 3} more`] : [])].join(', ');
}
