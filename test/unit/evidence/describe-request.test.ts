import { expect, test } from 'vitest';
import { describeRequest, judgeDescription } from '../../../domain/evidence/describe-request.ts';
import { API, sampleRecord, sampleRequest } from '../../support/sample-change.ts';

const request = sampleRequest({
  operations: [{ remove: 'dns/example.com/web/A' }, { set: API, body: { ttl: 1, values: ['192.0.2.2'] } }],
  dependsOn: ['change/one', 'config/payments/timeouts@^2.1'],
});

test('a request statement says what its body touches and needs, in its order', () => {
  expect(describeRequest(request)).toEqual({
    resources: ['dns/example.com/web/A', API],
    dependsOn: ['change/one', 'config/payments/timeouts@^2.1'],
    emergency: false,
  });
});

test('the statement made from the body is as described, whatever else it says', () => {
  const { request: signed } = sampleRecord();
  expect(judgeDescription({ ...signed, ...describeRequest(request) }, request)).toEqual([]);
});

test.each([
  ['fewer resources', { resources: [API] }],
  ['another order', { resources: [API, 'dns/example.com/web/A'] }],
  ['fewer dependencies', { dependsOn: [] }],
  ['an emergency', { emergency: true }],
])('one that describes %s is refused with both sides', (_, change) => {
  const violations = judgeDescription({ ...describeRequest(request), ...change }, request);
  expect(violations).toMatchObject([{ code: 'SIGNATURE_INVALID', rule: 'request-as-described' }]);
  expect(violations[0]?.message).toContain('"emergency":false,"resources":["dns/example.com/web/A"');
});
