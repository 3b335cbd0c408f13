import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { emptyLogState } from '../../domain/log/state.ts';
import { rememberFactors } from '../../worker/remember-factors.ts';
import { ENVIRONMENT, signedTrust } from '../support/sample-log.ts';

const MINUTE_MS = 60_000;
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const DIGESTS = { bob: `sha256:${'b'.repeat(64)}`, cyd: `sha256:${'c'.repeat(64)}` };

/** The sample's trust document, in which these people, and no others, have a second factor. */
function listing(...subjects: (keyof typeof DIGESTS)[]): TrustDocument {
  const trust = signedTrust();
  const people = trust.people.map((person) => {
    const subject = subjects.find((one) => one === person.subject);
    const secondFactors = subject ? [{ type: 'totp' as const, commitment: DIGESTS[subject] }] : [];
    return { ...person, secondFactors };
  });
  return { ...trust, people };
}

it('remembers what is listed, at its start and each minute, whoever was listed since', async () => {
  const remember = vi.fn(async () => {});
  let trust = listing('bob');
  await rememberFactors(
    { remember },
    { lastKnown: () => emptyLogState(ENVIRONMENT, trust) },
    { warn: vi.fn() },
  );
  expect(remember.mock.calls).toEqual([['bob', DIGESTS.bob]]);
  trust = listing('bob', 'cyd');
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(remember.mock.calls.slice(1)).toEqual([
    ['bob', DIGESTS.bob],
    ['cyd', DIGESTS.cyd],
  ]);
});

it('goes on after one that fails, and says whose it is', async () => {
  const down = new Error('down');
  const remember = vi.fn(async (person: string) => {
    if (person === 'bob') throw down;
  });
  const warn = vi.fn();
  const state = emptyLogState(ENVIRONMENT, listing('bob', 'cyd'));
  await rememberFactors({ remember }, { lastKnown: () => state }, { warn });
  expect(remember).toHaveBeenCalledWith('cyd', DIGESTS.cyd);
  expect(warn.mock.calls).toEqual([[{ err: down, person: 'bob' }, expect.any(String)]]);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(remember).toHaveBeenCalledTimes(4);
});

it('begins no round while one is under way', async () => {
  let answer = () => {};
  const remember = vi.fn(() => new Promise<void>((resolve) => (answer = resolve)));
  const state = emptyLogState(ENVIRONMENT, listing('bob'));
  const first = rememberFactors({ remember }, { lastKnown: () => state }, { warn: vi.fn() });
  await vi.advanceTimersByTimeAsync(3 * MINUTE_MS);
  expect(remember).toHaveBeenCalledTimes(1);
  answer();
  await first;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(remember).toHaveBeenCalledTimes(2);
});
