import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PortError } from '../../domain/errors.ts';
import {
  type Digest,
  digestOfBytes,
  isDigest,
  parseJsonBytes,
} from '../../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import { emptyLogState, hasFieldsOfState, type LogState } from '../../domain/log/state.ts';
import type { LogPosition } from '../aws/s3-change-log.ts';
import { isCode, replaceFile } from './durable-write.ts';

const lastGoodSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/last-good/v1'),
  environment: z.string(),
  trustDigest: z.string(),
  verifiedAt: z.iso.datetime(),
  position: z.strictObject({
    previous: z.custom<Digest>(isDigest),
    last: z.strictObject({ first: z.int().min(0), name: z.string(), versionId: z.string() }).optional(),
    // This program wrote it, and the file's digest holds: enough to know it for what it is.
    state: z.custom<LogState>(
      (value) => z.object({ environment: z.string(), size: z.int().min(0) }).safeParse(value).success,
    ),
  }),
});

/** What a reader has verified: up to where in the log, under which trust document, and when. */
export interface LastGood {
  environment: string;
  trustDigest: string;
  verifiedAt: string;
  position: LogPosition;
}

export interface LastGoodFile {
  /** Null when there is none yet. Throws `DIGEST_MISMATCH` for a file that is not as it was written. */
  read(): Promise<LastGood | null>;
  /** Durable when it resolves; a crash leaves the copy before it, whole. */
  keep(lastGood: LastGood): Promise<void>;
}

/**
 * Where a reader goes on in the log. What was folded from another trust document on, or by a build whose state has other
 * fields, says only which object was seen last: the log is folded anew, from its first entry, and must still hold it.
 */
export function placeToGoOn(
  { environment, trustDigest, position }: LastGood,
  pinnedDigest: string,
  pinned: TrustDocument,
): LogPosition {
  if (trustDigest === pinnedDigest && hasFieldsOfState(position.state)) return position;
  return {
    state: emptyLogState(environment, pinned),
    previous: genesisDigest(environment),
    last: position.last,
  };
}

/** One file: the digest of the second line, and the copy in JSON. */
export function createLastGoodFile(folder: string): LastGoodFile {
  const path = join(folder, 'last-good');
  return {
    async read() {
      const text = await readText(path);
      if (text === null) return null;
      const end = text.indexOf('\n');
      const content = new TextEncoder().encode(text.slice(end + 1));
      if (text.slice(0, end) !== digestOfBytes(content)) throw damaged(path, 'it is not as it was written');
      const parsed = lastGoodSchema.safeParse(parseJsonBytes(content));
      if (!parsed.success) throw damaged(path, z.prettifyError(parsed.error));
      const { apiVersion: _, ...lastGood } = parsed.data;
      return lastGood;
    },

    async keep(lastGood) {
      const content = JSON.stringify({ apiVersion: 'resilience-ctl/last-good/v1', ...lastGood });
      const bytes = new TextEncoder().encode(content);
      const digest = new TextEncoder().encode(`${digestOfBytes(bytes)}\n`);
      await replaceFile(path, Buffer.concat([digest, bytes]));
    },
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function damaged(path: string, why: string): PortError {
  return new PortError('DIGEST_MISMATCH', `The last-good copy ${path} cannot be used: ${why}.`, {
    next: 'Find out what damaged it. Without the file, the log is read anew, and a log older than the one it knew would not be noticed.',
  });
}
