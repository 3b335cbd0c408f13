import { beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../../../client/audit/write-proof.ts';
import { canonicalBytes, digestOf, parseCanonicalBytes } from '../../../domain/evidence/canonical-json.ts';
import type { ChangeProof } from '../../../domain/evidence/proof.ts';
import { verifyProof } from '../../../domain/evidence/proof.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { auditedLog, BAD, GOOD, NOW_MS, pins, sourceOf } from '../../support/audited-log.ts';
import { envelopeOf } from '../../support/sample-log.ts';

const input = { verify: verifyEd25519, nowMs: NOW_MS };
let proof: ChangeProof;

async function proofOf(changeId: string): Promise<Uint8Array> {
  return (await writeProof(await sourceOf(await auditedLog()), changeId, input)).bytes;
}

beforeAll(async () => {
  proof = parseCanonicalBytes(await proofOf(GOOD)) as ChangeProof;
});

async function rulesOf(changed: object): Promise<string[]> {
  const { ok, discrepancies } = await verifyProof(canonicalBytes(changed), input);
  expect(ok).toBe(discrepancies.length === 0);
  return discrepancies.map(({ rule }) => rule);
}

describe('a proof of one change', () => {
  it.each([GOOD, BAD])('%s is verified by its file alone, and by pins of one’s own', async (changeId) => {
    expect(await verifyProof(await proofOf(changeId), { ...input, pins })).toMatchObject({
      ok: true,
      changeId,
      effects: { unjudged: 0 },
    });
  });

  it('is not made of a change that the checkpoint does not cover', async () => {
    const source = await sourceOf(await auditedLog(), 16);
    await expect(writeProof(source, BAD, input)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each<[string, string, (whole: ChangeProof) => object | Promise<object>]>([
    [
      'a well signed entry that is not in the log',
      'inclusion',
      async ({ entries, ...rest }) => {
        const entry = await envelopeOf('vote', { changeId: GOOD, round: 9 });
        return { ...rest, entries: [...entries, { index: 29, entry, proof: entries[0]?.proof ?? [] }] };
      },
    ],
    [
      'a path for another index',
      'inclusion',
      ({ entries, ...rest }) => ({
        ...rest,
        entries: entries.map((one, i) => (i === 3 ? { ...one, proof: entries[4]?.proof ?? [] } : one)),
      }),
    ],
    [
      'its entries in another order',
      'order',
      ({ entries, ...rest }) => ({ ...rest, entries: entries.toReversed() }),
    ],
    [
      'a signature of nobody on its checkpoint',
      'signatures-known',
      ({ checkpoint, ...rest }) => ({ ...rest, checkpoint: `${checkpoint}— nobody AAAAAAAA\n` }),
    ],
    ['no request', 'request', ({ entries, ...rest }) => ({ ...rest, entries: entries.slice(0, 1) })],
    [
      'no entry of the trust document',
      'trust-in-log',
      ({ entries, ...rest }) => ({ ...rest, entries: entries.slice(1) }),
    ],
    ['a body less', 'body-is-here', (whole) => ({ ...whole, bodies: {} })],
    [
      'a body more',
      'body-has-a-reason',
      ({ bodies, ...rest }) => ({ ...rest, bodies: { ...bodies, [digestOf('x')]: 'x' } }),
    ],
    ['another change’s name', 'about-the-change', (whole) => ({ ...whole, changeId: BAD })],
    [
      'its approval left out',
      'approvals',
      ({ entries, ...rest }) => ({ ...rest, entries: entries.filter(({ index }) => index !== 6) }),
    ],
    ['an unknown field', 'readable', (whole) => ({ ...whole, more: 1 })],
  ])('with %s is refused', async (_what, rule, change) => {
    expect(await rulesOf(await change(proof))).toContain(rule);
  });
});
