import { dependenciesOf } from '../causality/would-be.ts';
import type { DocumentPlan } from '../change/document-plan.ts';
import type { DnsPlan } from '../change/plan.ts';
import type { OverrideEffect, OverrideMove } from '../evidence/statements.ts';
import { documentKindOf } from '../kinds/documents.ts';

/**
 * Whether break-glass may move a document. Never a policy: it says who may break glass, and two people, of whom one may
 * be the author, are fewer than any change of it needs.
 */
export function mayOverride(resource: string): boolean {
  const kind = documentKindOf(resource);
  return kind !== null && kind !== 'policy';
}

/** What two people sign of a plan of documents, so that nobody is believed about it but them. */
export function overrideMoves(plan: DocumentPlan): OverrideMove[] {
  return plan.resources.map((planned) => ({
    resource: planned.resource,
    from: planned.baseDigest,
    to: planned.targetDigest,
    version: planned.targetVersion,
    clock: plan.clock,
    vector: plan.vector,
    dependsOn: dependenciesOf(plan, planned),
  }));
}

/** What two people sign of a plan of records. */
export function overrideRecords({ zone, resources }: DnsPlan): NonNullable<OverrideEffect['records']> {
  return { zone, resources: resources.map(({ resource, targetDigest }) => ({ resource, to: targetDigest })) };
}
