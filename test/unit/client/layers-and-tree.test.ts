import { describe, expect, test } from 'vitest';
import { explainedText } from '../../../client/cli/explain-text.ts';
import { plain } from '../../../client/cli/style.ts';
import { dependencyTree } from '../../../client/cli/tree-text.ts';
import { explain } from '../../../client/explain.ts';
import type { Store, StoredVersion } from '../../../client/store.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { JSON_ANSWERS } from '../../support/json-answers.ts';

const live = (
  resource: string,
  dependsOn: string[] = [],
  version: string | null = '1.0.0',
): StoredVersion => ({
  resource,
  digest: digestOf(resource),
  version,
  parent: null,
  dependsOn,
  changeId: 'chg-000000000001',
  author: 'alice',
  planDigest: digestOf('plan'),
  index: 1,
  at: '2026-11-21T10:00:00.000Z',
});

describe('what a service reads', () => {
  const CONFIG = 'config/payments/timeouts';
  const values: Record<string, object> = {
    'config/_global/timeouts': { ms: 800, retries: 3, hosts: { a: 1, 'b/c': 2 } },
    'config/_tenant.acme/timeouts': { ms: 900, zones: ['a', 'b'] },
    [CONFIG]: { retries: 5 },
  };
  const store = {
    stateAt: async () => ({
      size: 2,
      ambiguous: false,
      versions: Object.keys(values).map((one) => live(one)),
    }),
    bodyOf: async ({ resource }: StoredVersion) => ({
      schema: 'schema/timeouts@^1',
      value: values[resource],
    }),
  } as Partial<Store> as Store;

  test('is merged from its layers, each value with the one that gave it', async () => {
    const explained = await explain(store, CONFIG, { tenant: 'acme', instant: 'head' });
    expect(JSON_ANSWERS['get --explain']?.safeParse(explained).error).toBeUndefined();
    expect(explainedText(explained, plain)).toBe(`config/payments/timeouts as it is read for tenant acme
  1. config/_global/timeouts 1.0.0
  2. config/_tenant.acme/timeouts 1.0.0
  3. config/payments/timeouts 1.0.0

config/_global/timeouts 1.0.0       /hosts/a: 1
config/_global/timeouts 1.0.0       /hosts/b~1c: 2
config/_tenant.acme/timeouts 1.0.0  /ms: 900
config/payments/timeouts 1.0.0      /retries: 5
config/_tenant.acme/timeouts 1.0.0  /zones: ["a","b"]
`);
  });

  test('is without the layer of a tenant who is not named, and nothing without layers', async () => {
    const { layers, value } = await explain(store, CONFIG, { tenant: null, instant: 'head' });
    expect(layers).toHaveLength(2);
    expect(value).toMatchObject({ ms: 800, retries: 5 });
    const nowhere = explain(store, 'config/payments/limits', { tenant: null, instant: 'head' });
    await expect(nowhere).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the tree of dependencies', () => {
  const versions = [
    live('config/a/x', ['change/chg-1', 'config/b/x@^1', 'schema/x@^1']),
    live('config/b/x', ['dns/example.com/api/A', 'schema/x@^1']),
    live('config/c/x', ['schema/lost@^1']),
    live('schema/x', [], '1.2.0'),
  ];

  test('goes both ways from one resource', () => {
    const { nodes, text } = dependencyTree(versions, 'config/b/x', plain);
    expect(text).toBe(`config/b/x 1.0.0
needs
├── dns/example.com/api/A (not governed yet)
└── schema/x@^1 → 1.2.0
is needed by
└── config/a/x 1.0.0
`);
    expect(nodes.map(({ resource }) => resource)).toEqual(['config/a/x', 'config/b/x', 'schema/x']);
    const answer = { resource: 'config/b/x', size: 9, nodes };
    expect(JSON_ANSWERS.tree?.safeParse(answer).error).toBeUndefined();
    expect(nodes.at(-1)?.dependents).toEqual(['config/a/x', 'config/b/x']);
  });

  test('of everything begins at what nothing needs', () => {
    expect(dependencyTree(versions, null, plain).text).toBe(`config/a/x 1.0.0
├── change/chg-1
├── config/b/x@^1 → 1.0.0
│   ├── dns/example.com/api/A (not governed yet)
│   └── schema/x@^1 → 1.2.0
└── schema/x@^1 → 1.2.0
config/c/x 1.0.0
└── schema/lost@^1 (not live)
`);
  });

  test('ends in a cycle, and names what it has shown', () => {
    const circle = [live('config/a/x', ['config/b/x@^1']), live('config/b/x', ['config/a/x@^1'])];
    expect(dependencyTree(circle, null, plain).text).toBe(`config/a/x 1.0.0
└── config/b/x@^1 → 1.0.0
    └── config/a/x@^1 → 1.0.0 (see above)
`);
  });

  test('may be deep', () => {
    const name = (i: number) => `config/s${String(i).padStart(5, '0')}/x`;
    const chain = Array.from({ length: 3_000 }, (_, i) => live(name(i), [name(i + 1)]));
    expect(dependencyTree(chain, name(0), plain).nodes).toHaveLength(3_000);
  });
});
