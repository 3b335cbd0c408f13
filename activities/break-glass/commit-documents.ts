import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { EntryFate } from '../../domain/log/state.ts';
import { codeOf, indexOfFate } from '../fates.ts';
import type { OverrideResult, SignedOverride } from './apply-override.ts';
import type { DocumentsBase } from './plan-override.ts';
import type { BreakGlassPorts } from './ports.ts';

/**
 * Makes documents live for everybody with one entry, which is intent and effect in one: bodies first, so that whoever
 * reads the entry finds them. `refused` where the log's order has put something in its way since it was judged. Throws
 * what bodies and log throw; after `STORE_UNAVAILABLE` the entry may be there.
 */
export async function commitDocuments(
  ports: BreakGlassPorts,
  {
    request,
    plan,
    newBodies,
    override,
    factors,
  }: SignedOverride & { plan: DocumentPlan } & Pick<DocumentsBase, 'newBodies'>,
): Promise<OverrideResult> {
  const { environment, signer, clock, bodies } = ports;
  await Promise.all([request, plan, ...newBodies.values()].map((body) => bodies.put(canonicalBytes(body))));
  const { changeId } = plan;
  const entry = await signStatement(signer, 'override-commit', {
    ...{ changeId, environment, planDigest: digestOf(plan), requestDigest: digestOf(request) },
    ...{ override, factors },
    at: new Date(clock.nowMs()).toISOString(),
  });
  const fate = await append(ports, changeId, entry);
  if (fate?.fate !== 'void' && fate?.fate !== 'inert') {
    return { result: 'applied', index: indexOfFate(fate), fence: null, plan };
  }
  return {
    result: 'refused',
    violations: [
      {
        code: codeOf(fate),
        rule: 'counts-in-the-log',
        message: `Entry ${fate.index} does not count: ${fate.reason}.`,
        remedy: 'Nothing has moved. Plan again on what is live now, and have that signed.',
      },
    ],
  };
}

async function append(
  { log }: BreakGlassPorts,
  changeId: string,
  entry: Envelope,
): Promise<EntryFate | undefined> {
  try {
    const [fate] = await log.append([entry]);
    return fate;
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    throw new DomainError(
      error.code,
      `Nobody knows whether the entry of ${changeId} is in the log: ${error.message}`,
      {
        next: `When the log answers, see \`resilience-ctl status ${changeId}\` before anybody signs another.`,
      },
      error,
    );
  }
}
