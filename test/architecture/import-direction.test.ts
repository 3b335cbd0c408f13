import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importsOf, moduleOf } from './imports.ts';

/** DESIGN §5: imports go one way. Paths are relative to the repository; a package goes by its name. */
const FOLDERS = ['domain', 'workflows', 'activities', 'infra', 'worker', 'client'] as const;
type Folder = (typeof FOLDERS)[number];

// A consumer wires for itself: `client/compose.ts` would load the engine into every service.
const WIRING = [
  'client/compose.ts',
  'client/compose-offline.ts',
  'client/compose-break-glass.ts',
  'client/compose-drill.ts',
  'client/compose-doctor.ts',
  'client/cli/commands/dev.ts',
  'client/sdk/index.ts',
];
const AWS = /^@(aws-sdk|smithy)\//;
const AWS_FOLDERS = ['infra/aws/', 'infra/dev/'];
const DOMAIN_PACKAGES = ['zod', '@noble/hashes', 'canonicalize', 'ipaddr.js', 'ajv', 'semver'];

type Sources = ReadonlyMap<string, string>;

function folderOf(module: string): Folder | undefined {
  return FOLDERS.find((folder) => module.startsWith(`${folder}/`));
}

function isOneOf(module: string, folders: readonly Folder[]): boolean {
  return folders.some((folder) => folder === folderOf(module));
}

/** Whether a file of each folder may import a module. A package is a module outside of all folders. */
const MAY_IMPORT: Record<Folder, (module: string, typeOnly: boolean, importer: string) => boolean> = {
  domain: (module) => isOneOf(module, ['domain']) || DOMAIN_PACKAGES.includes(module),
  workflows: (module, typeOnly) =>
    isOneOf(module, ['domain', 'workflows']) ||
    ['@temporalio/workflow', '@temporalio/common'].includes(module) ||
    (typeOnly && isOneOf(module, ['activities'])),
  activities: (module, typeOnly) =>
    typeOnly ||
    isOneOf(module, ['domain', 'activities']) ||
    ['@temporalio/activity', '@temporalio/common'].includes(module),
  infra: (module, typeOnly, importer) =>
    isOneOf(module, ['domain', 'activities', 'infra']) ||
    folderOf(module) === undefined ||
    // The local stack writes the files that workers and clients read, and registers what the contract names.
    (importer.startsWith('infra/dev/') && (typeOnly || module === 'workflows/contract.ts')),
  worker: () => true,
  client: (module, typeOnly, importer) =>
    typeOnly ||
    WIRING.includes(importer) ||
    isOneOf(module, ['domain', 'client']) ||
    module === 'workflows/contract.ts' ||
    (folderOf(module) === undefined &&
      (!module.startsWith('@temporalio/') || ['@temporalio/client', '@temporalio/common'].includes(module))),
};

function wrongImports(sources: Sources): string[] {
  return [...sources].flatMap(([importer, source]) => {
    const folder = folderOf(importer);
    if (folder === undefined) return [];
    return importsOf(source)
      .map(({ specifier, typeOnly }) => ({ module: moduleOf(importer, specifier), typeOnly }))
      .filter(({ module, typeOnly }) => {
        const strayAws = AWS.test(module) && !AWS_FOLDERS.some((one) => importer.startsWith(one));
        return strayAws || !MAY_IMPORT[folder](module, typeOnly, importer);
      })
      .map(({ module, typeOnly }) => `${importer} must not import ${typeOnly ? 'types of ' : ''}${module}`);
  });
}

/** Every module that the starting files load at run time, through files of this repository. */
function loadedBy(start: readonly string[], sources: Sources): Set<string> {
  const loaded = new Set(start);
  for (const file of loaded) {
    for (const { specifier, typeOnly } of importsOf(sources.get(file) ?? '')) {
      if (!typeOnly) loaded.add(moduleOf(file, specifier));
    }
  }
  return loaded;
}

function repository(): Sources {
  const files = globSync(`{${FOLDERS.join()}}/**/*.{ts,mjs}`, {
    exclude: (path) => /(^|\/)(node_modules|\.[^/]+)$/.test(path),
  });
  return new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
}

describe('the repository', () => {
  const sources = repository();

  it('is read from its root', () => {
    expect(sources.has('domain/errors.ts')).toBe(true);
  });

  it('imports one way', () => {
    expect(wrongImports(sources)).toEqual([]);
  });

  it('keeps schemas, hashing and servers out of the workflow bundle', () => {
    const workflows = [...sources.keys()].filter((file) => file.startsWith('workflows/'));
    const packages = [...loadedBy(workflows, sources)].filter((module) => folderOf(module) === undefined);
    const allowed = ['@temporalio/workflow', '@temporalio/common'];
    expect(packages.filter((name) => !allowed.includes(name))).toEqual([]);
  });
});

describe('the checker', () => {
  const wrong = (file: string, source: string) => wrongImports(new Map([[file, source]]));

  it.each([
    ['domain/a.ts', "import { readFileSync } from 'node:fs';", 'node:fs'],
    [
      'domain/a.ts',
      "import type { Phase } from '../workflows/contract.ts';",
      'types of workflows/contract.ts',
    ],
    ['domain/log/a.ts', "export * from '../../infra/b.ts';", 'infra/b.ts'],
    ['domain/a.ts', "import 'pino';", 'pino'],
    ['domain/a.ts', "const glob = 'a/**';\nexport { x } from 'pino';\nconst rest = '*/b';", 'pino'],
    ['domain/a.ts', "const fs = await import('fs');", 'fs'],
    ['workflows/a.ts', "import { vote } from '../activities/vote.ts';", 'activities/vote.ts'],
    ['workflows/a.ts', "import { type Vote } from '../activities/vote.ts';", 'activities/vote.ts'],
    ['workflows/a.ts', "import { z } from 'zod';", 'zod'],
    ['activities/a.ts', "import {\n  a,\n  b,\n} from '../infra/b.ts';", 'infra/b.ts'],
    ['activities/a.ts', "import type { S3 } from '@aws-sdk/client-s3';", 'types of @aws-sdk/client-s3'],
    ['infra/a/b.ts', "import { run } from '../../worker/main.ts';", 'worker/main.ts'],
    [
      'infra/files/b.ts',
      "import type { Config } from '../../worker/config.ts';",
      'types of worker/config.ts',
    ],
    ['infra/dev/b.ts', "import { run } from '../../worker/main.ts';", 'worker/main.ts'],
    ['infra/files/b.ts', "import { S3 } from '@aws-sdk/client-s3';", '@aws-sdk/client-s3'],
    [
      'worker/a.ts',
      'import { NodeHttpHandler } from "@smithy/node-http-handler";',
      '@smithy/node-http-handler',
    ],
    ['client/a.ts', "import { createLog } from '../infra/log.ts';", 'infra/log.ts'],
    ['client/a.ts', "import { change } from '../workflows/index.ts';", 'workflows/index.ts'],
    ['client/a.ts', "import worker, { type Worker } from '@temporalio/worker';", '@temporalio/worker'],
  ])('%s: %s', (file, source, module) => {
    expect(wrong(file, source)).toEqual([`${file} must not import ${module}`]);
  });

  it.each([
    ['domain/a.ts', "import { sha256 } from '@noble/hashes/sha2.js';\nimport b from './b.ts';"],
    ['domain/a.ts', "// see import('pino')\n/**\nimport 'pino';\n */\nconst text = 'import of pino';"],
    ['workflows/a.ts', "import type { Vote } from '../activities/vote.ts';\nexport type { Vote };"],
    ['workflows/a.ts', "import * as workflow from '@temporalio/workflow';"],
    [
      'activities/a.ts',
      "import type { Log } from '../infra/log.ts';\nimport { log } from '@temporalio/activity';",
    ],
    ['infra/aws/a.ts', "import { S3 } from '@aws-sdk/client-s3';\nimport { once } from 'node:events';"],
    ['infra/dev/a.ts', "import { QUEUES } from '../../workflows/contract.ts';"],
    ['worker/a.ts', "import { createLog } from '../infra/log.ts';"],
    ['client/compose.ts', "import { createLog } from '../infra/log.ts';"],
    [
      'client/a.ts',
      "import { QUEUES } from '../workflows/contract.ts';\nimport { Client } from '@temporalio/client';",
    ],
  ])('%s may: %s', (file, source) => {
    expect(wrong(file, source)).toEqual([]);
  });

  it('follows what is loaded through other files, types apart', () => {
    const sources = new Map([
      ['workflows/a.ts', "import { b } from '../domain/b.ts';\nimport type { c } from '../domain/c.ts';"],
      ['domain/b.ts', "export { z } from 'zod';"],
      ['domain/c.ts', "import canonicalize from 'canonicalize';"],
    ]);
    expect([...loadedBy(['workflows/a.ts'], sources)]).toEqual(['workflows/a.ts', 'domain/b.ts', 'zod']);
  });
});
