import { dependenciesOf } from '../../domain/causality/would-be.ts';
import type { DocumentPlan, PlannedDocument } from '../../domain/change/document-plan.ts';
import { canonicalBytes } from '../../domain/evidence/canonical-json.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { Move } from '../../domain/evidence/statements.ts';
import type { ChangeRecord, LogState } from '../../domain/log/state.ts';
import type { EnactorPorts } from '../role-ports.ts';

/**
 * What a commit of a document plan moves. Each new version gets a signed statement, stored as a body before the entry
 * that names it; made once and then found again through the change's first exposure.
 */
export async function movesOf(
  ports: EnactorPorts,
  state: LogState,
  change: ChangeRecord,
  plan: DocumentPlan,
): Promise<Move[]> {
  const made = change.exposures[0]?.moves;
  if (made) return made;
  return Promise.all(
    plan.resources.map(async (planned) => ({
      resource: planned.resource,
      from: planned.baseDigest,
      to: planned.targetDigest,
      version: planned.targetVersion,
      versionDigest: await storeVersion(ports, state, change, plan, planned),
      clock: plan.clock,
      vector: plan.vector,
      dependsOn: dependenciesOf(plan, planned),
    })),
  );
}

async function storeVersion(
  ports: EnactorPorts,
  state: LogState,
  change: ChangeRecord,
  plan: DocumentPlan,
  planned: PlannedDocument,
): Promise<Move['versionDigest']> {
  if (planned.targetDigest === null || planned.targetVersion === null) return null;
  const envelope = await signStatement(ports.signer, 'version', {
    resource: planned.resource,
    environment: ports.environment,
    version: planned.targetVersion,
    digest: planned.targetDigest,
    parent: planned.baseDigest,
    author: change.request.author,
    changeId: change.changeId,
    vector: plan.vector,
    schemaDigest: schemaDigestOf(state, plan, planned),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  return ports.bodies.put(canonicalBytes(envelope));
}

/** The schema that a config was checked against: the one of this batch, else the live one. */
function schemaDigestOf(state: LogState, plan: DocumentPlan, { dependsOn }: PlannedDocument): Move['to'] {
  const schema = dependsOn.find((one) => one.startsWith('schema/'))?.split('@', 1)[0];
  if (schema === undefined) return null;
  const here = plan.resources.find((one) => one.resource === schema);
  return here ? here.targetDigest : (state.live[schema]?.digest ?? null);
}
