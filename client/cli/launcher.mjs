#!/usr/bin/env node
// Finds the program and a Node that can run it. Plain JavaScript, so that an old Node can say what it lacks.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sources = new URL('./main.ts', import.meta.url);
const built = new URL('../../dist/client/cli/main.js', import.meta.url);
const pinnedNode = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));

if (!existsSync(sources)) {
  await import(built.href);
} else if (stripsTypes(process.versions.node)) {
  await import(sources.href);
} else if (existsSync(pinnedNode)) {
  runOn(pinnedNode);
} else {
  console.error(
    `error: this checkout runs TypeScript directly, which Node ${process.versions.node} cannot. ` +
      'Run `npm ci`, which installs the Node that it is pinned to, or use Node 22.18 or newer.',
  );
  process.exitCode = 2;
}

/** Without a flag since 22.18. */
function stripsTypes(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function runOn(node) {
  const child = spawn(node, [fileURLToPath(sources), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the other signals reach only this process.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 143);
  });
}
