import { defineConfig } from 'vitest/config';

const reportDir = process.env.RESILIENCE_TEST_REPORT;

/**
 * Two projects: `pure` needs no server and runs in parallel; `server` shares one local stack,
 * started once for the run, and runs its files one after another.
 */
export default defineConfig({
  test: {
    // For `.ci/run`, which adds up the counts.
    ...(reportDir === undefined
      ? {}
      : { reporters: ['default', ['json', { outputFile: `${reportDir}/${process.pid}.json` }]] }),
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{unit,property,vectors,architecture}/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'server',
          include: ['test/{contract,workflow,replay,integration,interop,e2e,chaos}/**/*.test.ts'],
          globalSetup: ['test/support/stack-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
