import type { OverrideResult, SignedOverride } from '../activities/break-glass/apply-override.ts';
import type { Reconciled } from '../activities/break-glass/reconcile-spool.ts';
import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import { MAX_LIFETIME_MS } from '../domain/approval/validity.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError } from '../domain/errors.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { OverrideEffect, OverridePredicate } from '../domain/evidence/statements.ts';
import type { PlannedOverride } from '../domain/override/judge-guards.ts';
import type { Person } from './control-plane.ts';

/** Break-glass, as the command line has it: no engine, no quorum, and the log only if it answers. */
export interface BreakGlass {
  readonly environment: string;
  /** What would be done, and everything against it, on the zone or the documents as they are. `logAnswers` says which of the guards could be asked. */
  plan(changeId: string, request: ChangeRequest): Promise<PlannedOverride & { logAnswers: boolean }>;
  /** Throws as `applyOverride`. */
  apply(signed: SignedOverride): Promise<OverrideResult>;
  /** Throws as `reconcileSpool`. */
  reconcile(): Promise<Reconciled>;
  close(): void;
}

/** A person who breaks glass, with a fresh code of that person's second factor. */
export interface BreakGlassPerson extends Person {
  code: string;
}

/**
 * Has each person sign the same override, and each prove a second factor for it. It lives for fifteen minutes. Throws
 * what signers and the factor-verifier throw; then nothing has been used but the codes that were taken.
 */
export async function signOverride(
  verifier: FactorVerifier,
  people: readonly BreakGlassPerson[],
  input: Omit<OverridePredicate, 'approvers' | 'issuedAt' | 'expiresAt' | keyof OverrideEffect> & {
    effect: OverrideEffect;
    nowMs: number;
  },
): Promise<{ override: Envelope; factors: Envelope[] }> {
  const { nowMs, effect, ...rest } = input;
  const said: OverridePredicate = {
    ...{ ...rest, ...effect },
    approvers: people.map(({ subject }) => subject),
    issuedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + MAX_LIFETIME_MS).toISOString(),
  };
  const own = await Promise.all(people.map(({ signer }) => signStatement(signer, 'override', said)));
  const [first] = own;
  if (first === undefined) throw new DomainError('NOT_PERMITTED', 'Nobody signs the override.');
  const factors: Envelope[] = [];
  // One after the other: whoever gives a wrong code stops it before the other's is used.
  for (const [i, { subject, code }] of people.entries()) {
    factors.push(await verifier.check({ person: subject, signed: own[i] ?? first, code }));
  }
  return { override: { ...first, signatures: own.flatMap(({ signatures }) => signatures) }, factors };
}
