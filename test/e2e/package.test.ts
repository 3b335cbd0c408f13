import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKOUT } from '../support/command-line.ts';

/** What `npm pack` makes, installed where nothing else is, as whoever downloads it does. */
const folder = mkdtempSync(join(tmpdir(), 'resilience-package-'));
const elsewhere = join(folder, 'elsewhere');
const PATIENCE_MS = 150_000;
let files: string[];

/** The pinned Node first, as in npm scripts; no setting of the npm that runs this test. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)/i.test(name)),
  ),
  ...registryOf(process.env),
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
};

/** Where packages come from is the machine's business, however it is set. */
function registryOf(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => /^npm_config_(registry|userconfig|cache)$/i.test(name)),
  );
}

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', args, { cwd, env, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

beforeAll(async () => {
  const [packed] = JSON.parse(await npm(CHECKOUT, 'pack', '--json', '--pack-destination', folder)) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (packed === undefined) throw new Error('npm pack made nothing');
  files = packed.files.map(({ path }) => path);
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'package.json'), '{"private": true}');
  const install = [
    'install',
    join(folder, packed.filename),
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
  ];
  await npm(elsewhere, ...install);
}, PATIENCE_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('is built by `prepack`, so that nobody publishes yesterday’s build', () => {
  const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts.prepack).toContain('infra/build-package.ts');
});

test('holds what it runs and what its reader reads, and nothing else', () => {
  const needed = [
    'README.md',
    'client/cli/launcher.mjs',
    'dist/client/cli/main.js',
    'dist/workflow-bundle.js',
    'dist/infra/dev/requirements.txt',
    'examples/good-change.yaml',
    'docs/cli.md',
  ];
  expect(files).toEqual(expect.arrayContaining(needed));
  expect(files.filter((file) => /(^|\/)(test|bench|node_modules|\.[^/]+)\//.test(file))).toEqual([]);
  expect(files.filter((file) => /\.(test\.\w+|pem|key|log|db|tgz)$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
});

test('runs from its own folder', async () => {
  const bin = join(elsewhere, 'node_modules', '.bin', 'resilience-ctl');
  const run = async (...args: string[]) =>
    (await promisify(execFile)(bin, args, { cwd: elsewhere, env })).stdout;
  expect(await run('--help')).toContain('Usage: resilience-ctl');
  expect(await run('plan', '--help')).toContain('resilience-ctl plan examples/good-change.yaml');
  const schema = JSON.parse(await run('schema')) as { title: string };
  expect(schema.title).toBe('resilience-ctl change request');
  await expect(run('status', '--json')).rejects.toMatchObject({
    code: 9,
    stdout: expect.stringContaining('STACK_NOT_RUNNING'),
  });
});
