import { DomainError, type Violation } from '../errors.ts';
import type { Judge } from '../log/authority.ts';
import { canonicalText, parseCanonicalBytes } from './canonical-json.ts';
import { openEnvelope, verifiedKeyIds } from './statement-codec.ts';
import type { Move, VersionPredicate } from './statements.ts';

/** The commit that names a version statement, as far as the statement must agree with it. */
export interface VersionContext {
  environment: string;
  changeId: string;
  /** Of the change's request. */
  author: string;
}

/**
 * Whether stored bytes are the version statement of a move: signed by the enactor, and about the same document,
 * version, parent and vector, of the same change. The bytes are those that the move's `versionDigest` names. Returns
 * every violation; never throws.
 */
export function judgeVersion(
  bytes: Uint8Array,
  move: Move,
  context: VersionContext,
  judge: Judge,
): Violation[] {
  try {
    const opened = openEnvelope(parseCanonicalBytes(bytes));
    const roles = verifiedKeyIds(opened, judge.verify).map(
      (keyId) => judge.trust.serviceByKey.get(keyId)?.role,
    );
    if (opened.type !== 'version' || !roles.includes('enactor')) {
      return [unsigned(move, 'no enactor signed it as a version')];
    }
    return judgeAgreement(opened.predicate, move, context);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return [unsigned(move, error.message)];
  }
}

function judgeAgreement(version: VersionPredicate, move: Move, context: VersionContext): Violation[] {
  const said = {
    environment: version.environment,
    resource: version.resource,
    digest: version.digest,
    version: version.version,
    parent: version.parent,
    vector: version.vector,
    changeId: version.changeId,
    author: version.author,
  };
  const { resource, to, from, vector } = move;
  const moved = { ...context, resource, digest: to, version: move.version, parent: from, vector };
  const differing = (Object.keys(said) as (keyof typeof said)[]).filter(
    (field) => canonicalText(said[field]) !== canonicalText(moved[field]),
  );
  return differing.map((field) => ({
    code: 'DIGEST_MISMATCH',
    rule: 'version-as-moved',
    message: `The version statement of ${resource} says ${field} ${canonicalText(said[field])}; the commit says ${canonicalText(moved[field])}.`,
    remedy: 'Ask whoever runs the enactor why it signed both.',
  }));
}

function unsigned({ resource, version }: Move, why: string): Violation {
  return {
    code: 'SIGNATURE_INVALID',
    rule: 'version-signed',
    message: `${resource} ${version} has no version statement of the enactor: ${why}.`,
    remedy: 'Ask whoever runs the enactor what was committed.',
  };
}
