import { describe, expect, test } from 'vitest';
import { preAuthEncoding } from '../../../domain/evidence/dsse.ts';
import { openEnvelope } from '../../../domain/evidence/statement-codec.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { envelopeOf, sampleMove } from '../../support/sample-log.ts';

/** AWS KMS API, `Sign`: `Message` has at most 4096 bytes. */
const KMS_LIMIT_BYTES = 4096;

const moves = (count: number) =>
  Array.from({ length: count }, (_, i) => sampleMove({ resource: `config/service-${i}/limits`, clock: i }));

describe('the parts beside a payload', () => {
  test('let one signature cover a batch far beyond what KMS signs', async () => {
    const envelope = await envelopeOf('commit', { moves: moves(100) });
    const payload = Buffer.from(envelope.payload, 'base64');
    expect(preAuthEncoding(envelope.payloadType, payload).length).toBeLessThan(KMS_LIMIT_BYTES);
    expect(encodeEntry(envelope).length).toBeLessThanOrEqual(65_535);
    expect(openEnvelope(envelope).predicate).toMatchObject({ moves: moves(100) });
  });

  test('are refused when they are not those that were signed for', async () => {
    const envelope = await envelopeOf('commit', { moves: moves(3) });
    const other = { ...envelope, parts: { moves: moves(2) } };
    expect(() => openEnvelope(other)).toThrow('are not those that were signed for');
  });

  test('are refused when missing, more than asked, or beside a statement that has none', async () => {
    const commit = await envelopeOf('commit', {});
    const { parts: _, ...bare } = commit;
    expect(() => openEnvelope(bare)).toThrow('has its moves beside it');
    expect(() => openEnvelope({ ...commit, parts: { ...commit.parts, more: 1 } })).toThrow(
      'and nothing else',
    );
    const vote = await envelopeOf('vote', {});
    expect(() => openEnvelope({ ...vote, parts: {} })).toThrow('has no parts beside it');
  });
});
