import { readFileSync } from 'node:fs';
import { DomainError } from '../../domain/errors.ts';
import { toBase64 } from '../../domain/evidence/base64.ts';
import {
  canonicalBytes,
  type Digest,
  digestOfBytes,
  parseCanonicalBytes,
  parseJsonBytes,
} from '../../domain/evidence/canonical-json.ts';
import type { Envelope, Signer } from '../../domain/evidence/dsse.ts';
import { openPayload, signPayload } from '../../domain/evidence/statement-codec.ts';
import { parseTrustDocument, type TrustDocument } from '../../domain/evidence/trust.ts';

export const TRUST_PAYLOAD_TYPE = 'application/vnd.resilience-ctl.trust+json';

/**
 * Reads the first trust document out of its signed file. It is believed because its digest is the pinned one (TUF §5.2);
 * the root's signatures tell an auditor who made it, and prove nothing here, where its keys are known only from itself.
 * Later versions are entries of the log.
 * Throws `NOT_FOUND`, `ENTRY_MALFORMED`, `DIGEST_MISMATCH`, `SCHEMA_INVALID`.
 */
export function openTrustFile(path: string, pinnedDigest: string): TrustDocument {
  const { payload, payloadType } = openPayload(parseJsonBytes(readTrustFile(path)));
  if (payloadType !== TRUST_PAYLOAD_TYPE) {
    throw new DomainError('ENTRY_MALFORMED', `${path} holds a payload of type ${payloadType}.`, {
      next: NEXT,
    });
  }
  const digest = digestOfBytes(payload);
  if (digest !== pinnedDigest) {
    throw new DomainError(
      'DIGEST_MISMATCH',
      `The trust document ${path} has the digest ${digest}; pinned is ${pinnedDigest}.`,
      { next: `${NEXT} Change the pin only if you know who changed the document, and why.` },
    );
  }
  return parseTrustDocument(parseCanonicalBytes(payload));
}

/** The signed file's content, and the digest to pin. Throws `SCHEMA_INVALID`, and what the signer throws. */
export async function sealTrustDocument(
  trust: TrustDocument,
  rootSigners: readonly Signer[],
): Promise<{ envelope: Envelope; digest: Digest }> {
  const payload = canonicalBytes(parseTrustDocument(trust));
  const signed = await Promise.all(
    rootSigners.map((signer) => signPayload(signer, TRUST_PAYLOAD_TYPE, payload)),
  );
  const signatures = signed.flatMap((envelope) => envelope.signatures);
  const envelope = { payload: toBase64(payload), payloadType: TRUST_PAYLOAD_TYPE, signatures };
  return { envelope, digest: digestOfBytes(payload) };
}

const NEXT = 'Get the file again from whoever signed it.';

function readTrustFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DomainError(
      'NOT_FOUND',
      `The trust document ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { next: NEXT },
      cause,
    );
  }
}
