import { describe, expect, test } from 'vitest';
import { boundedReasons } from '../../../domain/evidence/bounded-reasons.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { preAuthEncoding } from '../../../domain/evidence/dsse.ts';
import { openEnvelope } from '../../../domain/evidence/statement-codec.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import {
  acceptance,
  envelopeOf,
  KMS_LIMIT_BYTES,
  LONGEST_ID,
  LONGEST_NAME,
  sampleMove,
} from '../../support/sample-log.ts';

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

  const made = {
    build: 'b'.repeat(64),
    rules: digestOf('rules'),
    run: { workflowId: LONGEST_ID, runId: 'r'.repeat(36), activityId: '1000' },
  };
  const reasons = boundedReasons(
    Array.from({ length: 9 }, () => ({
      code: 'INVARIANT_VIOLATED' as const,
      rule: 'minimum-live-targets',
      path: 'spec.operations[12].body.targets[3].address',
      message: 'm'.repeat(1000),
      remedy: 'r'.repeat(1000),
    })),
  );

  test('leave room in one signature for the first reasons, and for who decided', async () => {
    const about = { changeId: LONGEST_ID, environment: 'e'.repeat(40) };
    const nonce = 'n'.repeat(128);
    const inner = { ...about, nonce, approver: LONGEST_NAME, reason: 'because '.repeat(400) };
    expect(reasons.length).toBeGreaterThan(1);
    for (const envelope of [
      await acceptance({
        inner,
        change: { reasons, accepted: false, madeBy: made, mfa: await envelopeOf('mfa') },
      }),
      await envelopeOf('vote', { ...about, reasons, decision: 'no', madeBy: made }),
    ]) {
      const payload = Buffer.from(envelope.payload, 'base64');
      expect(preAuthEncoding(envelope.payloadType, payload).length).toBeLessThan(KMS_LIMIT_BYTES);
      expect(openEnvelope(envelope).predicate).toMatchObject({ reasons, madeBy: made });
    }
  });

  test('are refused when they are not those that were signed for', async () => {
    const envelope = await envelopeOf('commit', { moves: moves(3) });
    const other = { ...envelope, parts: { moves: moves(2) } };
    expect(() => openEnvelope(other)).toThrow('are not those that were signed for');
  });

  test('are refused when they are another decision that the same person signed', async () => {
    const accepted = await acceptance();
    const other = await acceptance({ inner: { planDigest: digestOf('another plan') } });
    expect(openEnvelope(accepted).type).toBe('acceptance');
    const swapped = { ...accepted, parts: { ...other.parts } };
    expect(() => openEnvelope(swapped)).toThrow('are not those that were signed for');
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
