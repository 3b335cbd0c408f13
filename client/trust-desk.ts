import type { ChangeLog } from '../activities/ports/change-log.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import { openEnvelope } from '../domain/evidence/statement-codec.ts';
import { parseTrustDocument, type TrustDocument } from '../domain/evidence/trust.ts';
import { trustChanges } from '../domain/evidence/trust-changes.ts';
import {
  judgeContent,
  judgeExpiry,
  judgePlace,
  judgeSuccession,
  rootSigners,
} from '../domain/evidence/trust-succession.ts';
import { decodeEntry, encodeEntry } from '../domain/log/entry.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';
import { trustOf } from '../domain/log/state.ts';
import { envelopeOfProposal, type TrustProposal } from './trust-proposal.ts';

export interface ShownTrust {
  version: number;
  digest: Digest;
  /** Of the entry that put it in force; null while the log does not name the pinned one yet. */
  index: number | null;
  /** Past `root.expiresAt` nothing moves forward. */
  isExpired: boolean;
  document: TrustDocument;
}

/**
 * The trust document and its next version. Methods throw what reading the log throws: `STORE_UNAVAILABLE`, `THROTTLED`,
 * `LOG_FORKED`.
 */
export interface TrustDesk {
  /** The one in force, or an earlier version. Throws `NOT_FOUND` for a version that was never in force. */
  show(version?: number): Promise<ShownTrust>;
  /**
   * A proposal to put `value` in the place of the document in force, and what it changes. Throws with every reason why it
   * could not take its place, whoever signs: `SCHEMA_INVALID`, `STALE_BASE`, `NOT_PERMITTED`, `TRUST_EXPIRED`,
   * `TOO_LARGE`.
   */
  propose(value: unknown): Promise<{ proposal: TrustProposal; changes: string[] }>;
  /**
   * Appends it. Throws with every reason why it does not count, `NOT_PERMITTED` for missing signatures among them (the
   * remedy names who could still sign), and `STALE_BASE` when another one came first.
   */
  apply(proposal: TrustProposal): Promise<ShownTrust>;
}

export function createTrustDesk(parts: {
  environment: string;
  log: Pick<ChangeLog, 'sync' | 'append' | 'entries'>;
  verify: VerifyEd25519;
  nowMs(): number;
}): TrustDesk {
  const { environment, log, verify, nowMs } = parts;

  async function inForce(): Promise<ShownTrust> {
    const { document, digest, index } = (await log.sync()).trustInForce;
    return shown(document, digest, index);
  }

  function shown(document: TrustDocument, digest: Digest, index: number | null): ShownTrust {
    const isExpired = judgeExpiry(document, nowMs()).length > 0;
    return { version: document.version, digest, index, isExpired, document };
  }

  return {
    async show(version) {
      const now = await inForce();
      if (version === undefined || version === now.version) return now;
      for await (const { index, bytes, fate } of log.entries(0)) {
        const said = fate.fate === 'honoured' ? decodeEntry(bytes) : null;
        if (said?.type !== 'trust' || said.predicate.document.version !== version) continue;
        return shown(said.predicate.document, digestOf(said.predicate.document), index);
      }
      throw new DomainError('NOT_FOUND', `No version ${version} of the trust document was in force.`, {
        next: `In force is version ${now.version}: \`resilience-ctl trust show\`.`,
      });
    },

    async propose(value) {
      const document = parseTrustDocument(value);
      const current = trustOf(await log.sync());
      const at = new Date(nowMs()).toISOString();
      const statement = { environment, previousDigest: digestOf(current), document, at };
      refuse('It cannot be the next trust document', [
        ...judgePlace(current, statement),
        ...judgeContent(current, statement),
        ...judgeExpiry(document, nowMs()),
      ]);
      const proposal: TrustProposal = {
        apiVersion: 'resilience-ctl/trust-proposal/v1',
        statement,
        signatures: [],
      };
      // With every signature that it may yet get.
      const keys = [...current.root.keys, ...document.root.keys];
      const signatures = keys.map(({ keyId, holder }) => ({ holder, keyid: keyId, sig: 'A'.repeat(88) }));
      encodeEntry(envelopeOfProposal({ ...proposal, signatures }));
      return { proposal, changes: trustChanges(current, document) };
    },

    async apply(proposal) {
      const current = trustOf(await log.sync());
      const { statement } = proposal;
      if (proposal.signatures.length === 0) {
        throw new DomainError('NOT_PERMITTED', 'Nobody has signed the proposal.', {
          next: 'Have it signed: `resilience-ctl trust sign PROPOSAL --as HOLDER`.',
        });
      }
      const envelope = envelopeOfProposal(proposal);
      const opened = openEnvelope(envelope);
      const signers = opened.type === 'trust' ? rootSigners(current, opened, verify) : [];
      refuse('The proposal cannot be applied', judgeSuccession(current, statement, signers));
      const [fate] = await log.append([envelope]);
      if (fate?.fate === 'honoured' || fate?.fate === 'duplicate') return inForce();
      throw new DomainError('STALE_BASE', `The proposal does not count: ${fate?.reason ?? 'no answer'}.`, {
        next: 'See `resilience-ctl trust show`, and propose yours again.',
      });
    },
  };
}

function refuse(what: string, violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  throw new DomainError(first.code, `${what}.`, { next: first.remedy, violations });
}
