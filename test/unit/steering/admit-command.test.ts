import { expect, test } from 'vitest';
import { admitCommand } from '../../../activities/command.ts';
import { createRateLimiter, type RateLimited } from '../../../activities/rate-limiter.ts';
import type { OrchestratorPorts } from '../../../activities/role-ports.ts';
import { PortError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import { openEnvelope } from '../../../domain/evidence/statement-codec.ts';
import type { CommandPredicate } from '../../../domain/evidence/statements.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  CHANGE,
  ENVIRONMENT,
  entryOf,
  envelopeOf,
  LONGEST_ID,
  LONGEST_NAME,
  limitedSignerOf,
  signedTrust,
} from '../../support/sample-log.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00.000Z');

/** One open change in a log that can be taken down. */
async function scene(changeId = CHANGE) {
  const trust = signedTrust();
  const verify = verifyEd25519;
  const fold = createFold({ environment: ENVIRONMENT, trust, verify });
  fold.apply(await entryOf('request', { changeId }));
  let down = false;
  const orDown = () => {
    if (down) throw new PortError('STORE_UNAVAILABLE', 'The log is down.');
  };
  const ports = {
    environment: ENVIRONMENT,
    verify,
    signer: limitedSignerOf('orchestrator'),
    madeBy: () => ({ build: 'test', rules: digestOf('rules') }),
    clock: { nowMs: () => NOW_MS },
    limiter: createRateLimiter({ nowMs: () => NOW_MS }),
    log: {
      sync: async () => {
        orDown();
        return fold.state;
      },
      lastKnown: () => fold.state,
      append: async (envelopes: readonly Envelope[]) => {
        orDown();
        return envelopes.map((envelope) => fold.apply(encodeEntry(envelope)));
      },
    },
  } as unknown as OrchestratorPorts & RateLimited & { verify: typeof verify };
  const admit = (command: Envelope, unrecorded: Envelope[] = [], id = changeId) =>
    admitCommand(ports, { changeId: id, command, unrecorded });
  const rulings = () =>
    fold.state.changes[changeId]?.rulings.map(({ action, accepted }) => [action, accepted]);
  return { admit, fold, rulings, takeDown: () => (down = true), bringUp: () => (down = false) };
}

const command = (change: Partial<CommandPredicate> = {}, holder?: string) =>
  envelopeOf('command', change, holder);

test('an accepted command is in the log, and the same again gets the same answer', async () => {
  const { admit, rulings } = await scene();
  const pause = await command();
  const first = await admit(pause);
  expect(first).toEqual({
    accepted: true,
    action: 'pause',
    person: 'olga',
    reason: 'an incident',
    nonce: 'command-1',
    unrecorded: null,
  });
  expect(await admit(pause)).toEqual(first);
  expect(rulings()).toEqual([['pause', true]]);
});

test("what a person signed in another's name is refused and recorded", async () => {
  const { admit, rulings } = await scene();
  const refused = await admit(await command({ action: 'abort' }, 'bob'));
  expect(refused).toMatchObject({ accepted: false, reasons: [{ rule: 'own-key' }] });
  expect(rulings()).toEqual([['abort', false]]);
});

test('the longest name and nonce of a refused command fit into what KMS signs', async () => {
  const { admit, rulings } = await scene(LONGEST_ID);
  const about = { changeId: 'd'.repeat(128), nonce: 'n'.repeat(128), person: LONGEST_NAME };
  expect(await admit(await command({ ...about, action: 'abort' }, 'bob'))).toMatchObject({ accepted: false });
  expect(rulings()).toEqual([['abort', false]]);
});

test.each(['__proto__', 'constructor', 'valueOf'])(
  'there is no change %s to steer before it is requested',
  async (id) => {
    const { admit, fold } = await scene();
    expect(await admit(await command(), [], id)).toMatchObject({
      accepted: false,
      reasons: [{ rule: 'open-change', code: 'NOT_FOUND' }],
    });
    expect(fold.state.size).toBe(1);
  },
);

test.each(['constructor', 'valueOf'])('a change called %s can be paused and aborted', async (changeId) => {
  const { admit, rulings } = await scene(changeId);
  for (const action of ['pause', 'abort'] as const) {
    const sent = await command({ changeId, action, nonce: action });
    expect(await admit(sent)).toMatchObject({ accepted: true });
  }
  expect(rulings()).toEqual([
    ['pause', true],
    ['abort', true],
  ]);
});

test('what nobody signed is refused and leaves no trace', async () => {
  const { admit, fold } = await scene();
  const { size } = fold.state;
  for (const envelope of [
    await command({}, 'a stranger'),
    await envelopeOf('approval'),
    { payload: 'AAAA', payloadType: 'x', signatures: [] },
  ]) {
    expect(await admit(envelope)).toMatchObject({ accepted: false });
  }
  expect(fold.state.size).toBe(size);
});

test.each(['pause', 'abort'] as const)(
  'with the log down a %s counts at once, and its ruling is handed in later',
  async (action) => {
    const { admit, rulings, takeDown, bringUp } = await scene();
    takeDown();
    const urgent = await admit(await command({ action }));
    if (!urgent.accepted || urgent.unrecorded === null) throw new Error('not accepted, or recorded nowhere');
    expect(openEnvelope(urgent.unrecorded).type).toBe('ruling');
    bringUp();
    expect(rulings()).toEqual([]);
    await admit(await command({ action: 'continue', nonce: 'command-2' }), [urgent.unrecorded]);
    expect(rulings()).toEqual([
      [action, true],
      ['continue', true],
    ]);
  },
);

test('with the log down nothing continues', async () => {
  const { admit, takeDown } = await scene();
  takeDown();
  await expect(admit(await command({ action: 'continue' }))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
});
