import { readFileSync } from 'node:fs';
import { DomainError } from '../../domain/errors.ts';
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
import { createKeyring } from './keyring.ts';

export const TRUST_PAYLOAD_TYPE = 'application/vnd.resilience-ctl.trust+json';

/**
 * Reads a trust document out of its signed file. It is believed because its digest is the pinned one; the root's
 * signature tells an auditor who made it, and cannot be checked here, where nobody knows the root's key.
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

/** The signed file's content, and the digest to pin. Throws `SCHEMA_INVALID`, as `createKeyring` does, and what the signer throws. */
export async function sealTrustDocument(
  trust: TrustDocument,
  rootSigner: Signer,
): Promise<{ envelope: Envelope; digest: Digest }> {
  const document = parseTrustDocument(trust);
  // Refuses what nobody must enrol: a key under which one signature fits many messages.
  createKeyring(document);
  const payload = canonicalBytes(document);
  return {
    envelope: await signPayload(rootSigner, TRUST_PAYLOAD_TYPE, payload),
    digest: digestOfBytes(payload),
  };
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
