import { describe, expect, test } from 'vitest';
import { commit } from '../../../activities/commit.ts';
import { openChange } from '../../../activities/recorded-change.ts';
import { rollBack } from '../../../activities/roll-back.ts';
import { PortError } from '../../../domain/errors.ts';
import { emptyLogState } from '../../../domain/log/state.ts';
import { createMemoryWorld } from '../../support/memory-world.ts';
import { ENVIRONMENT, ZONE } from '../../support/sample-log.ts';

describe.each(['__proto__', 'constructor', 'valueOf'])('of a change %s that nobody requested', (changeId) => {
  const { enactor, trust } = createMemoryWorld(ZONE);

  test('the orchestrator knows none', () => {
    expect(() => openChange(emptyLogState(ENVIRONMENT, trust), changeId)).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
  });

  test('the enactor has none to commit', async () => {
    expect(await commit(enactor, { changeId })).toMatchObject({
      result: 'refused',
      violations: [{ rule: 'no-intent' }],
    });
  });

  test('the enactor has none to take back, be the log there or not', async () => {
    const stage = { changeId, intentIndex: 0 };
    await expect(rollBack(enactor, stage)).rejects.toMatchObject({ code: 'BUNDLE_INCOMPLETE' });
    const sync = () => Promise.reject(new PortError('STORE_UNAVAILABLE', 'The log is down.'));
    const away = { ...enactor, log: { ...enactor.log, sync } };
    await expect(rollBack(away, stage)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
