import { expect, test } from 'vitest';
import type { Operation } from '../../../domain/change/request.ts';
import { parseChangeRequest } from '../../../domain/change/request.ts';
import { laneOfCommand, laneOfDecision, laneOfRequest } from '../../../domain/limits/rate-lane.ts';

const switchSet = (engaged: boolean): unknown => ({
  set: 'switch/trading',
  body: {
    ...{ type: 'kill-switch', engaged, owner: 'trading', safeState: 'engaged' },
    expiresAt: '2027-01-01T00:00:00Z',
  },
});
const laneOf = (...operations: unknown[]) =>
  laneOfRequest(
    parseChangeRequest({
      apiVersion: 'resilience-ctl/v1',
      kind: 'ChangeRequest',
      metadata: { environment: 'prod', reason: 'Stop the trading desk' },
      spec: { operations: operations as Operation[] },
    }),
  );

test('a request that engages switches and does nothing else is in the lane of brakes', () => {
  expect(laneOf(switchSet(true))).toBe('brake');
});

test.each([
  ['releases a switch', [switchSet(false)]],
  ['removes a switch', [{ remove: 'switch/trading' }]],
  ['also changes something else', [switchSet(true), { remove: 'config/payments/timeouts' }]],
  ['sets a document that calls itself engaged', [{ set: 'schema/trading', body: { engaged: true } }]],
])('one that %s is not', (_, operations) => {
  expect(laneOf(...operations)).toBe('submit');
});

test('what only stops does not wait behind what moves', () => {
  expect([laneOfDecision('reject'), laneOfCommand('pause'), laneOfCommand('abort')]).toEqual(
    Array(3).fill('brake'),
  );
  expect([laneOfDecision('approve'), laneOfCommand('continue')]).toEqual(['decide', 'decide']);
});
