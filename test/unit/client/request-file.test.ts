import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestSchemaText } from '../../../client/cli/commands/schema.ts';
import {
  type LocatedViolation,
  MAX_REQUEST_BYTES,
  parseRequestText,
  readRequestFile,
} from '../../../client/request-file.ts';
import { DomainError } from '../../../domain/errors.ts';

const GOOD = `apiVersion: resilience-ctl/v1
kind: ChangeRequest
metadata:
  environment: demo
  reason: a reason that is long enough
spec:
  operations:
    - set: dns/example.com/api/A
      body:
        ttl: 1
        values: [127.0.0.2]
  base:
    dns/example.com/api/A: null
`;

function refusal(read: () => unknown): DomainError {
  try {
    read();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

function places(error: DomainError): string[] {
  const violations = (error.details.violations ?? []) as LocatedViolation[];
  return violations.map(({ rule, position }) => `${position?.line}:${position?.column} ${rule}`);
}

describe('a request file', () => {
  it('becomes a request whose paths have places', () => {
    const { request, positionOf } = parseRequestText(GOOD, 'a.yaml');
    expect(request.metadata.environment).toBe('demo');
    expect(positionOf('spec.operations[0].body.ttl')).toEqual({ line: 10, column: 9 });
    expect(positionOf('spec.operations[0]')).toEqual({ line: 8, column: 7 });
    expect(positionOf('spec.operations[0].body.values[0]')).toEqual({ line: 11, column: 18 });
  });

  it('finds keys that hold dots and slashes, quoted or not', () => {
    const { positionOf } = parseRequestText(GOOD, 'a.yaml');
    expect(positionOf('spec.base["dns/example.com/api/A"]')).toEqual({ line: 13, column: 5 });
    expect(positionOf('spec.base.dns/example.com/api/A')).toEqual({ line: 13, column: 5 });
  });

  it('places what is missing at its nearest parent', () => {
    const { positionOf } = parseRequestText(GOOD, 'a.yaml');
    expect(positionOf('spec.rollout.probe')).toEqual({ line: 6, column: 1 });
    expect(positionOf('spec.operations[7].set')).toEqual({ line: 7, column: 3 });
  });

  it('reports every wrong field at once, each at its place', () => {
    const text = GOOD.replace('ttl: 1', 'ttl: soon').replace('environment: demo', 'enviroment: demo');
    const error = refusal(() => parseRequestText(text, 'a.yaml'));
    expect(error.code).toBe('SCHEMA_INVALID');
    expect(error.details.file).toBe('a.yaml');
    expect(places(error)).toEqual(['3:1 invalid-type', '4:3 unknown-field', '10:9 invalid-type']);
  });

  it('reports every fault of the YAML itself', () => {
    const error = refusal(() => parseRequestText(`${GOOD}kind: ChangeRequest\nx: [1\n`, 'a.yaml'));
    expect(error.code).toBe('REQUEST_UNREADABLE');
    expect(places(error)).toContain('14:1 yaml-duplicate-key');
    expect(places(error).length).toBeGreaterThan(1);
  });

  it.each([
    ['a tag that asks for more than data', 'a: !!js/function "x"'],
    ['two documents', `${GOOD}---\n${GOOD}`],
    ['an unknown alias', 'a: *nothing'],
    ['aliases that multiply', aliasBomb()],
  ])('refuses %s', (_what, text) => {
    expect(refusal(() => parseRequestText(text, 'a.yaml')).code).toBe('REQUEST_UNREADABLE');
  });

  it.each(['', '[]', 'text', '12'])('refuses %j, which is no request', (text) => {
    expect(refusal(() => parseRequestText(text, 'a.yaml')).kind).toBe('invalid');
  });
});

function aliasBomb(): string {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`,
  );
  return `l0: &l0 [x]\n${levels.join('\n')}\n`;
}

describe('reading the file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'request-file-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (content: string | Uint8Array): string => {
    const path = join(folder, 'request.yaml');
    writeFileSync(path, content);
    return path;
  };

  it('accepts a file of exactly the largest size, and none larger', () => {
    const padding = (size: number) => `${GOOD}#${'x'.repeat(size - GOOD.length - 1)}`;
    expect(readRequestFile(file(padding(MAX_REQUEST_BYTES))).request.kind).toBe('ChangeRequest');
    expect(refusal(() => readRequestFile(file(padding(MAX_REQUEST_BYTES + 1)))).code).toBe('TOO_LARGE');
  });

  it('stops reading at the limit, whatever the path names', () => {
    expect(refusal(() => readRequestFile('/dev/zero')).code).toBe('TOO_LARGE');
  });

  it('refuses what is not UTF-8, a folder and nothing', () => {
    expect(refusal(() => readRequestFile(file(new Uint8Array([0x61, 0xff])))).code).toBe(
      'REQUEST_UNREADABLE',
    );
    expect(refusal(() => readRequestFile(folder)).code).toBe('REQUEST_UNREADABLE');
    expect(refusal(() => readRequestFile(join(folder, 'absent.yaml'))).code).toBe('REQUEST_UNREADABLE');
  });
});

describe('what is published', () => {
  it('has examples that are requests', () => {
    for (const name of ['good', 'bad', 'refused']) {
      expect(readRequestFile(`examples/${name}-change.yaml`).request.metadata.environment).toBe('demo');
    }
  });

  it('has the JSON Schema of today: `resilience-ctl schema > docs/change-request.schema.json`', () => {
    const published = JSON.parse(readFileSync('docs/change-request.schema.json', 'utf8'));
    expect(published).toEqual(JSON.parse(requestSchemaText()));
  });
});
