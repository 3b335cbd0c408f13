import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Envelope, Signer } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';

export const TRUST_PAYLOAD_TYPE = 'application/vnd.resilience-ctl.trust+json';

/** Throws `NOT_FOUND`, `ENTRY_MALFORMED`, `DIGEST_MISMATCH`, `SCHEMA_INVALID`. */
export function openTrustFile(_path: string, _pinnedDigest: string): TrustDocument {
  throw new Error('not written yet');
}

/** The file's content, and the digest to pin. */
export function sealTrustDocument(
  _trust: TrustDocument,
  _rootSigner: Signer,
): Promise<{ envelope: Envelope; digest: Digest }> {
  throw new Error('not written yet');
}
