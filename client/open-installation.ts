import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';
import { type Installation, installationSchema } from './installation.ts';

/** `RESILIENCE_HOME`, else `.resilience` in `folder` or a parent of it, else where `dev` would make one. */
export function findHome(env: NodeJS.ProcessEnv, folder: string): string {
  if (env.RESILIENCE_HOME) return resolve(folder, env.RESILIENCE_HOME);
  for (let candidate = resolve(folder); ; candidate = dirname(candidate)) {
    const home = join(candidate, '.resilience');
    if (existsSync(home)) return home;
    if (candidate === dirname(candidate)) return join(resolve(folder), '.resilience');
  }
}

export function installationFile(home: string): string {
  return join(home, 'dev', 'installation.json');
}

/**
 * Paths inside are relative to the file. Throws `STACK_NOT_RUNNING` when there is none, `SCHEMA_INVALID` with every
 * problem of one that cannot be used.
 */
export function readInstallation(home: string): Installation {
  const file = installationFile(home);
  if (!existsSync(file)) {
    throw new DomainError('STACK_NOT_RUNNING', `There is no installation at ${file}.`, {
      next: 'Run `resilience-ctl dev` for a local stack, or set RESILIENCE_HOME to where the installation is.',
    });
  }
  const next = `Correct ${file}, or delete it and run \`resilience-ctl dev\`.`;
  const parsed = installationSchema.safeParse(parseJson(readFileSync(file, 'utf8'), file, next));
  if (!parsed.success) {
    throw new DomainError('SCHEMA_INVALID', `${file} is not valid:\n${z.prettifyError(parsed.error)}`, {
      next,
    });
  }
  const { breakGlassFile, trustFile, keysDir, rootKeysDir, memoryDir = 'memory', ...rest } = parsed.data;
  const here = (path: string) => resolve(dirname(file), path);
  return {
    ...rest,
    trustFile: here(trustFile),
    keysDir: here(keysDir),
    ...(breakGlassFile === undefined ? {} : { breakGlassFile: here(breakGlassFile) }),
    ...(rootKeysDir === undefined ? {} : { rootKeysDir: here(rootKeysDir) }),
    memoryDir: here(memoryDir),
  };
}

/** Whether the local stack of this installation is there; true when it has none, for then nobody here can tell. */
export function stackRuns({ dev }: Installation): boolean {
  if (!dev) return true;
  try {
    process.kill(dev.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function parseJson(text: string, file: string, next: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DomainError('SCHEMA_INVALID', `${file} is not JSON.`, { next }, cause);
  }
}
