import { describe, expect, test } from 'vitest';
import { canonicalBytes } from '../../../domain/evidence/canonical-json.ts';
import { judgeVersion } from '../../../domain/evidence/judge-version.ts';
import type { VersionPredicate } from '../../../domain/evidence/statements.ts';
import { judgeUnder } from '../../../domain/log/authority.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  CHANGE,
  ENVIRONMENT,
  envelopeOf,
  SAMPLES,
  sampleMove,
  signedTrust,
} from '../../support/sample-log.ts';

const { resource, digest, version, parent, vector } = SAMPLES.version;
const move = sampleMove({ resource, to: digest, version, from: parent, vector });
const context = { environment: ENVIRONMENT, changeId: CHANGE, author: 'ada' };
const trust = signedTrust();
const judge = judgeUnder(trust, verifyEd25519);
const rulesOf = (bytes: Uint8Array) =>
  judgeVersion(bytes, move, context, judge).map(({ rule, message }) => `${rule}: ${message}`);

describe('judgeVersion', () => {
  test('finds nothing against what the enactor signed about this very move', async () => {
    expect(rulesOf(canonicalBytes(await envelopeOf('version')))).toEqual([]);
  });

  test.each<[string, Partial<VersionPredicate>, string]>([
    ['another document', { digest: SAMPLES.plan.planDigest }, 'digest'],
    ['another parent', { parent: SAMPLES.plan.planDigest }, 'parent'],
    ['another version', { version: '1.2.4' }, 'version'],
    ['another vector', { vector: { [ENVIRONMENT]: 2 } }, 'vector'],
    ['another author', { author: 'bob' }, 'author'],
    ['another change', { changeId: 'chg-2' }, 'changeId'],
    ['another environment', { environment: 'staging' }, 'environment'],
  ])('names %s', async (_name, change, field) => {
    expect(rulesOf(canonicalBytes(await envelopeOf('version', change)))).toEqual([
      expect.stringContaining(`version-as-moved: The version statement of ${resource} says ${field} `),
    ]);
  });

  test('names everything that differs at once', async () => {
    expect(rulesOf(canonicalBytes(await envelopeOf('version', { author: 'bob', vector: {} })))).toHaveLength(
      2,
    );
  });

  test.each([
    ['another role', async () => canonicalBytes(await envelopeOf('version', {}, 'orchestrator'))],
    ['another statement', async () => canonicalBytes(await envelopeOf('commit', {}, 'enactor'))],
    ['no statement', async () => new TextEncoder().encode('{}')],
    ['a truncated one', async () => canonicalBytes(await envelopeOf('version')).subarray(0, -1)],
  ])('takes no word of %s', async (_name, bytes) => {
    expect(rulesOf(await bytes())).toEqual([expect.stringMatching(/^version-signed: /)]);
  });
});
