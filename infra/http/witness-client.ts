import type { Witness } from '../../activities/ports/witness.ts';
import { DomainError, type ErrorCode, PortError } from '../../domain/errors.ts';
import { parseTreeSize } from '../../domain/log/checkpoint.ts';
import { encodeNote, parseSignatureLines } from '../../domain/log/signed-note.ts';
import { encodeAddCheckpoint } from '../../domain/log/witness-request.ts';

const TIMEOUT_MS = 5_000;

/** C2SP tlog-witness, `add-checkpoint`: what its refusals mean here. */
const CODE_OF_STATUS: Record<number, ErrorCode> = {
  403: 'NOT_PERMITTED',
  404: 'NOT_PERMITTED',
  422: 'LOG_FORKED',
};
const NEXT: Partial<Record<ErrorCode, string>> = {
  NOT_PERMITTED: "Configure the witness with this log's vkey.",
  LOG_FORKED: 'Page: the witness has seen another history of this log; nothing is published meanwhile.',
};

/** A witness at its submission prefix, such as `http://127.0.0.1:7380`. */
export function createHttpWitness(submissionPrefix: string): Witness {
  const url = `${submissionPrefix}/add-checkpoint`;
  return {
    async addCheckpoint(note, oldSize, proof) {
      const { status, body } = await post(
        url,
        encodeAddCheckpoint({ oldSize, proof, note: encodeNote(note) }),
      );
      try {
        if (status === 200) return { cosignatures: parseSignatureLines(body) };
        if (status === 409) return { cosignedSize: parseTreeSize(body.replace(/\n$/, '')) };
      } catch (error) {
        if (error instanceof DomainError)
          throw unavailable(url, `its answer is not understood: ${error.message}`, error);
        throw error;
      }
      const code = CODE_OF_STATUS[status] ?? 'WITNESS_UNAVAILABLE';
      throw new PortError(
        code,
        `The witness at ${url} refused with status ${status}: ${body.slice(0, 300).trim()}`,
        {
          next: NEXT[code] ?? 'Check that the witness runs and try again.',
        },
      );
    },
  };
}

async function post(
  url: string,
  body: Uint8Array<ArrayBufferLike>,
): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: Uint8Array.from(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    throw unavailable(url, error instanceof Error ? error.message : String(error), error);
  }
}

function unavailable(url: string, why: string, cause: unknown): PortError {
  return new PortError(
    'WITNESS_UNAVAILABLE',
    `The witness at ${url} did not cosign: ${why}`,
    { next: 'Check that the witness runs and try again; meanwhile no forward change proceeds.' },
    cause,
  );
}
