import { defineConfig } from 'vitest/config';

const reportDir = process.env.RESILIENCE_TEST_REPORT;

/**
 * Two projects: `pure` needs no server; `server` shares one local stack, started once for the run. Its files keep apart
 * by environment, zone and Temporal namespace, and those that kill servers start their own, so two run at a time.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    // For `.ci/run`, which adds up the counts.
    ...(reportDir === undefined
      ? {}
      : { reporters: ['default', ['json', { outputFile: `${reportDir}/${process.pid}.json` }]] }),
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{unit,property,vectors,architecture}/**/*.test.ts'],
          // A property takes a second; on a busy machine several times as long.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'server',
          include: ['test/{contract,workflow,replay,integration,interop,e2e,chaos}/**/*.test.ts'],
          globalSetup: ['test/support/stack-setup.ts'],
          // Only what hangs takes so long; a busy machine must not look like that.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
