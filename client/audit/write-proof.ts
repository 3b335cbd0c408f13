import { DomainError } from '../../domain/errors.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import { bodiesNamed } from '../../domain/evidence/export-layout.ts';
import { encodeProof, namedBodies, type ProvenEntry } from '../../domain/evidence/proof.ts';
import type { OpenedStatement } from '../../domain/evidence/statement-codec.ts';
import { inclusionProof } from '../../domain/log/merkle-tree.ts';
import type { VerifyEd25519 } from '../../domain/log/signed-note.ts';
import { createHashReader, tilePath } from '../../domain/log/tiles.ts';
import type { EvidenceSource } from './evidence-source.ts';
import { foldedEntries } from './folded-entries.ts';
import { openCheckpoint } from './write-export.ts';

export interface WrittenProof {
  bytes: Uint8Array;
  entries: number;
  /** Entries that the checkpoint covers. */
  size: number;
}

/**
 * One change's proof (`ChangeProof`), under the newest published checkpoint. Throws `NOT_FOUND` for a change that the
 * checkpoint does not cover yet, or a body or tile that is gone; and as `openCheckpoint`.
 */
export async function writeProof(
  source: EvidenceSource,
  changeId: string,
  { verify, nowMs }: { verify: VerifyEd25519; nowMs: number },
): Promise<WrittenProof> {
  const {
    bytes: checkpoint,
    checkpoint: { size },
    pins,
  } = await openCheckpoint(source, verify, nowMs);
  const read = createHashReader(size, async (tile) => {
    const found = await source.tile(tilePath(tile));
    if (found !== null) return found;
    throw gone(`The tile ${tilePath(tile)}`);
  });
  const entries: ProvenEntry[] = [];
  for await (const { index, bytes, fate, statement } of foldedEntries(source, verify)) {
    if (index === size) break;
    if (fate.fate !== 'honoured' || statement === null || !belongs(statement, changeId)) continue;
    entries.push({ index, bytes, statement, proof: await inclusionProof(index, size, read) });
  }
  if (entries.some(({ statement }) => statement.type.startsWith('override-'))) {
    throw new DomainError(
      'NOT_PERMITTED',
      `Nobody requested change ${changeId}: it was break-glass, which has no proof in one file.`,
      {
        next: `Export it, which proves it too: \`resilience-ctl audit export --out evidence --change ${changeId}\`.`,
      },
    );
  }
  if (!entries.some(({ statement }) => statement.type === 'request')) {
    throw new DomainError('NOT_FOUND', `The first ${size} entries hold no change ${changeId}.`, {
      next: 'Check the id, or wait until a checkpoint covers it: see `resilience-ctl history CHANGE`.',
    });
  }
  const bodies = await bodiesOf(source, entries);
  const proof = encodeProof({ changeId, pins, trust: source.trust, checkpoint, entries, bodies });
  return { bytes: proof, entries: entries.length, size };
}

function belongs({ type, predicate }: OpenedStatement, changeId: string): boolean {
  return type === 'trust' || ('changeId' in predicate && predicate.changeId === changeId);
}

async function bodiesOf(
  source: EvidenceSource,
  entries: readonly ProvenEntry[],
): Promise<Map<Digest, Uint8Array>> {
  const bodies = new Map<Digest, Uint8Array>();
  const fetch = async (digest: Digest) => {
    const body = bodies.get(digest) ?? (await source.body(digest));
    if (body === null) throw gone(`The body ${digest}`);
    bodies.set(digest, body);
  };
  for (const { statement } of entries) {
    for (const digest of bodiesNamed(statement)) await fetch(digest);
    // With the plan at hand, also what the plan names.
    for (const digest of namedBodies(statement, bodies)) await fetch(digest);
  }
  return bodies;
}

function gone(what: string): DomainError {
  return new DomainError('NOT_FOUND', `${what} is not in the store.`, {
    next: 'Restore it from another copy; an export of the environment has one.',
  });
}
