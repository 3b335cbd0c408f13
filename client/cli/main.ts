import { processCli } from './cli.ts';
import { run } from './run.ts';

// Not `process.exit`: what has been written to a pipe must get there.
process.exitCode = await run(process.argv.slice(2), processCli());
