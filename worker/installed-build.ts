import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { MadeBy } from '../domain/evidence/statements.ts';

/** What decides: the digest of all of it tells two builds of one version apart. */
const CODE = ['activities', 'domain', 'infra', 'worker', 'workflows'];
const BUILD_HEX_DIGITS = 12;

export type InstalledBuild = Pick<MadeBy, 'build' | 'rules'>;

let installed: InstalledBuild | undefined;

/** The program that is installed here, read once: its sources in a checkout, its JavaScript in a package. */
export function installedBuild(): InstalledBuild {
  installed ??= readInstalledBuild();
  return installed;
}

function readInstalledBuild(): InstalledBuild {
  const { version } = createRequire(import.meta.url)('resilience-ctl/package.json') as { version: string };
  const root = fileURLToPath(new URL('../', import.meta.url));
  const code = digestOfFiles(root, CODE).slice('sha256:'.length, 'sha256:'.length + BUILD_HEX_DIGITS);
  return { build: `${version}+${code}`, rules: digestOfFiles(root, ['domain']) };
}

/** SHA-256 over the canonical JSON of path → SHA-256, of every source of this program's own form. */
function digestOfFiles(root: string, folders: readonly string[]): Digest {
  const form = extname(import.meta.url);
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file).replaceAll('\\', '/'),
      ),
    )
    .filter((file) => file.endsWith(form) && !file.includes('/.') && !file.includes('node_modules/'));
  return digestOf(
    Object.fromEntries(
      files.map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(root, file)))
          .digest('hex'),
      ]),
    ),
  );
}
