import { expect, it } from 'vitest';
import { parseConsumerReport } from '../../../domain/canary/consumer-report.ts';
import { canonicalBytes, digestOf } from '../../../domain/evidence/canonical-json.ts';

const REPORT = {
  environment: 'prod',
  changeId: 'chg-1',
  instanceId: 'pod-1',
  zone: 'us-east-1a',
  resource: 'config/payments/timeouts',
  arm: 'canary',
  digest: digestOf('x'),
  samples: 10,
  errors: 2,
  latencyP50Ms: 1.5,
  latencyP99Ms: 9,
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-01-01T00:00:05.000Z',
};

it('reads what a consumer writes', () => {
  expect(parseConsumerReport(canonicalBytes(REPORT))).toEqual(REPORT);
  expect(parseConsumerReport(canonicalBytes({ ...REPORT, digest: null })).digest).toBeNull();
});

it.each([
  ['more errors than samples', { errors: 11 }],
  ['a window that ends before it begins', { to: REPORT.from }],
  ['a negative count', { samples: -1 }],
  ['a fraction', { samples: 10.5 }],
  ['a path in the name', { instanceId: '../pod' }],
  ['another arm', { arm: 'both' }],
  ['no digest', { digest: 'sha256:1' }],
  ['a field that nobody knows', { note: 'x' }],
])('refuses %s', (_, change) => {
  expect(() => parseConsumerReport(canonicalBytes({ ...REPORT, ...change }))).toThrow(
    expect.objectContaining({ code: 'SCHEMA_INVALID' }),
  );
});

it('refuses what is no JSON', () => {
  expect(() => parseConsumerReport(new TextEncoder().encode('{'))).toThrow(
    expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
  );
});
