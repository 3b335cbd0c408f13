import { describe, expect, test } from 'vitest';
import { dependencyTarget, parseDependency, satisfies } from '../../../domain/causality/dependency.ts';

test.each([
  ['config/payments@^2.1', 'config/payments', '^2.1'],
  ['config/payments/timeouts@1.x||>=3', 'config/payments/timeouts', '1.x||>=3'],
  ['schema/timeouts', 'schema/timeouts', null],
  ['change/chg-1', 'change/chg-1', null],
  ['dns/example.com/api/A', 'dns/example.com/api/A', null],
  ['dns/example.com/@/A', 'dns/example.com/@/A', null],
])('%s is %s in range %s', (text, resource, range) => {
  expect(parseDependency(text)).toEqual({ resource, range });
  expect(dependencyTarget(text)).toBe(resource);
});

describe('refused, with a remedy', () => {
  test.each([
    ['payments', 'is no dependency'],
    ['', 'is no dependency'],
    ['config/@^1', 'is no dependency'],
    ['config//payments', 'is no dependency'],
    ['config/payments@', 'is no range'],
    ['config/payments@latest', 'is no range'],
    ['config/payments@^2@^3', 'is no range'],
    ['dns/example.com/api/A@^1', 'has no versions'],
    ['change/chg-1@^1', 'has no versions'],
  ])('%s', (text, why) => {
    expect(() => parseDependency(text)).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_INVALID',
        message: expect.stringContaining(why),
        details: { next: expect.stringMatching(/\w/) },
      }),
    );
  });
});

test.each([
  ['2.1.0', '^2.1', true],
  ['3.0.0', '^2.1', false],
  ['2.2.0-rc.1', '^2.1', false],
  ['0.0.1', null, true],
  [null, null, true],
  [null, '*', false],
])('version %s in range %s: %s', (version, range, expected) => {
  expect(satisfies(version, range)).toBe(expected);
});
