import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import type { DnsPlan } from '../../domain/change/plan.ts';
import { type ChangeRequest, isAboutDocument, resourceOf } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { ZoneState } from '../../domain/kinds/dns-records.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { planDocumentOverride } from '../../domain/override/judge-document-guards.ts';
import { type PlannedOverride, planOverride } from '../../domain/override/judge-guards.ts';
import { planDocuments } from '../documents/plan-documents.ts';
import type { PlanningInput } from '../planned.ts';
import type { BreakGlassPorts } from './ports.ts';

/** A plan with what it was made from. */
export type OverrideBase = RecordsBase | DocumentsBase;

export interface RecordsBase {
  target: 'records';
  planned: PlannedOverride<DnsPlan>;
  zone: ZoneState;
  /** Null when the log does not answer. */
  state: LogState | null;
  /** In force, as far as this machine knows. */
  trust: TrustDocument;
}

export interface DocumentsBase {
  target: 'documents';
  planned: PlannedOverride<DocumentPlan>;
  /** By digest: what the plan would make live. */
  newBodies: ReadonlyMap<Digest, unknown>;
  state: LogState;
  trust: TrustDocument;
}

/**
 * Plans a request on its target as it is: a zone, with or without the log, or documents, whose target is the log. Throws
 * `NOT_PERMITTED` for another target than one hosted zone, or documents, of this environment, `STORE_UNAVAILABLE` for
 * documents while the log does not answer, and what `DnsZones.readZone` throws: without the target there is nothing to
 * break.
 */
export async function planOverrideHere(
  ports: Omit<BreakGlassPorts, 'signer' | 'spool' | 'pause'>,
  changeId: string,
  request: ChangeRequest,
): Promise<OverrideBase> {
  const { environment } = ports;
  const state = await stateOrNull(ports);
  const trust = trustOf(ports.log.lastKnown());
  if (request.metadata.environment !== environment) {
    throw refused(`The request is for environment ${request.metadata.environment}; this is ${environment}.`);
  }
  const about = { changeId, request, requestDigest: digestOf(request) };
  return request.spec.operations.some(isAboutDocument)
    ? planDocumentsHere(ports, about, state)
    : planRecordsHere(ports, about, { state, trust });
}

async function planDocumentsHere(
  ports: Omit<BreakGlassPorts, 'signer' | 'spool' | 'pause'>,
  about: PlanningInput,
  state: LogState | null,
): Promise<DocumentsBase> {
  if (state === null) {
    throw new DomainError(
      'STORE_UNAVAILABLE',
      'Documents go live in the log, which does not answer: nobody could read what break-glass would write.',
      {
        next: 'Bring the store back. Until then consumers keep what they read last; DNS records can be changed without the log.',
      },
    );
  }
  const made = await planDocuments(ports, about, state);
  const violations =
    made.plan === null
      ? made.violations
      : [...made.violations, ...made.judgeCausality(), ...made.judgeInvariants(ports.clock.nowMs())];
  const plan = made.plan?.kind === 'documents' ? made.plan : null;
  return {
    target: 'documents',
    planned: planDocumentOverride({ plan, violations, state }),
    newBodies: made.plan === null ? new Map() : made.newBodies,
    state,
    trust: trustOf(state),
  };
}

async function planRecordsHere(
  { environment, dns, clock }: Pick<BreakGlassPorts, 'environment' | 'dns' | 'clock'>,
  { changeId, request, requestDigest }: PlanningInput,
  { state, trust }: Pick<RecordsBase, 'state' | 'trust'>,
): Promise<RecordsBase> {
  const name = zoneIn(
    request,
    environment,
    trust.targets.map((target) => target.zone),
  );
  const zone = await dns.readZone(name);
  const planned = planOverride({
    ...{ changeId, environment, request, requestDigest, zone, trust, state },
    nowMs: clock.nowMs(),
  });
  return { target: 'records', planned, zone, state, trust };
}

/** Null while the log does not answer. One that answers wrongly (a fork) is no reason to go on: it throws. */
export async function stateOrNull({ log }: Pick<BreakGlassPorts, 'log'>): Promise<LogState | null> {
  try {
    return await log.sync();
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'unavailable') return null;
    throw error;
  }
}

function zoneIn(request: ChangeRequest, environment: string, zones: readonly string[]): string {
  const resources = request.spec.operations.map(resourceOf);
  const named = resources.map((resource) => resource.split('/')[1] ?? '').find((one) => zones.includes(one));
  if (named === undefined) throw refused(`No zone of ${environment} is in it: ${resources.join(', ')}.`);
  return named;
}

function refused(message: string): DomainError {
  return new DomainError('NOT_PERMITTED', message, {
    next: 'Write a change request of the DNS records of one zone, or of documents, of this environment.',
  });
}
