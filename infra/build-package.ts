import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * Makes `dist/` for `npm pack`: Node strips no types under `node_modules`, so a package holds JavaScript, and the
 * workflow bundle that its workers load. Run by `prepack`.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const dist = fileURLToPath(new URL('../dist/', import.meta.url));

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
// What the compiler leaves behind: pinned requirements and launchers that stand beside the code that reads them.
cpSync(`${root}infra`, `${dist}infra`, { recursive: true, filter: (file) => extname(file) !== '.ts' });

const { code } = await bundleWorkflowCode({
  workflowsPath: `${root}workflows/index.ts`,
  logger: new DefaultLogger('WARN'),
});
writeFileSync(`${dist}workflow-bundle.js`, code);
