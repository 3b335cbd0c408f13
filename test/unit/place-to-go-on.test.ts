import { describe, expect, test } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import { emptyLogState, type LogState } from '../../domain/log/state.ts';
import { type LastGood, placeToGoOn } from '../../infra/files/file-last-good.ts';
import { signedTrust } from '../support/sample-log.ts';

const state: LogState = { ...emptyLogState('prod', signedTrust()), size: 7 };
const last = { first: 5, name: 'log/prod/5', versionId: 'v1' };
const kept = (change: object = {}): LastGood => ({
  environment: 'prod',
  trustDigest: 'sha256:pinned',
  verifiedAt: '2026-01-01T00:00:00.000Z',
  position: { state: { ...state, ...change } as LogState, previous: digestOf('object'), last },
});
const anew = { state: emptyLogState('prod', signedTrust()), previous: genesisDigest('prod'), last };

describe('the place to go on from', () => {
  test('is where the reading ended', () => {
    expect(placeToGoOn(kept(), 'sha256:pinned', signedTrust())).toEqual(kept().position);
  });

  test('is the first entry under another trust document, and the last object must still be there', () => {
    expect(placeToGoOn(kept(), 'sha256:another', signedTrust())).toEqual(anew);
  });

  test('is the first entry for a state with other fields than this build folds', () => {
    expect(placeToGoOn(kept({ fromTomorrow: {} }), 'sha256:pinned', signedTrust())).toEqual(anew);
    const { recovery: _, ...fewer } = state;
    const older = { ...kept(), position: { ...kept().position, state: fewer as LogState } };
    expect(placeToGoOn(older, 'sha256:pinned', signedTrust())).toEqual(anew);
  });
});
