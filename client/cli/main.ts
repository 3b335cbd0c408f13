import { processCli } from './cli.ts';
import { run } from './run.ts';

// `resilience-ctl log | head` closes the pipe early: that is the reader's right, and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

// Not `process.exit`: what has been written to a pipe must get there.
process.exitCode = await run(process.argv.slice(2), processCli());
