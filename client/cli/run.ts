import { Command, CommanderError } from 'commander';
import { type Cli, printJson } from './cli.ts';
import { addAssess } from './commands/assess.ts';
import { addAudit } from './commands/audit.ts';
import { addAutomation } from './commands/automation.ts';
import { addApprove, addReject } from './commands/decide.ts';
import { addDev } from './commands/dev.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDraft } from './commands/draft.ts';
import { addDrill } from './commands/drill.ts';
import { addFactor } from './commands/factor.ts';
import { addKeys } from './commands/keys.ts';
import { addHistory, addLog } from './commands/log.ts';
import { addOverride } from './commands/override.ts';
import { addPermissions } from './commands/permissions.ts';
import { addPlan } from './commands/plan.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addSchema } from './commands/schema.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addStatus } from './commands/status.ts';
import { addSteering } from './commands/steer.ts';
import { addStore } from './commands/store.ts';
import { addStoreCheck } from './commands/store-check.ts';
import { addSubmit } from './commands/submit.ts';
import { addTrust } from './commands/trust.ts';
import { addWatch } from './commands/watch.ts';
import { addWayBack } from './commands/way-back.ts';
import { errorText } from './error-text.ts';
import { errorJson, exitStatusOf } from './exit-status.ts';
import { styleFor } from './style.ts';

const EXIT_STATUSES = `
Exit status: 0 done, 1 a bug, 2 wrong usage, 3 invalid, 4 forbidden, 5 conflict, 6 unsafe,
  7 denied, 8 rolled back, 9 unavailable (try again), 10 stuck (a person is needed), 11 integrity.
Environment: RESILIENCE_HOME (where the installation is), RESILIENCE_AS (who you are), NO_COLOR.
`;

export function createProgram(cli: Cli): Command {
  const program = new Command('resilience-ctl')
    .description(
      'Change what production reads: voted, approved, in stages, and back by itself when it is worse.',
    )
    .option('--json', 'print JSON, one object a line, also for errors (docs/cli.md)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(run with --help for usage)')
    .addHelpText('after', EXIT_STATUSES);
  addDev(program, cli);
  addDoctor(program, cli);
  addKeys(program, cli);
  addFactor(program, cli);
  addTrust(program, cli);
  addDraft(program, cli);
  addPlan(program, cli);
  addSubmit(program, cli);
  addStatus(program, cli);
  addWatch(program, cli);
  addApprove(program, cli);
  addReject(program, cli);
  addSteering(program, cli);
  addOverride(program, cli);
  addDrill(program, cli);
  addAutomation(program, cli);
  addAssess(program, cli);
  addHistory(program, cli);
  addLog(program, cli);
  addStore(program, cli);
  addWayBack(program, cli);
  addSnapshot(program, cli);
  addStoreCheck(program, cli);
  addReconcile(program, cli);
  addAudit(program, cli);
  addPermissions(program, cli);
  addSchema(program, cli);
  return program;
}

/** Runs one command line and returns the exit status. */
export async function run(arguments_: readonly string[], cli: Cli): Promise<number> {
  try {
    await createProgram(cli).parseAsync([...arguments_], { from: 'user' });
    return cli.exitStatus;
  } catch (error) {
    const status = exitStatusOf(error);
    if (status === 0) return 0;
    if (arguments_.includes('--json')) printJson(cli, errorJson(error));
    // Commander has already said what is wrong with the usage.
    else if (!(error instanceof CommanderError)) {
      cli.stderr.write(errorText(error, styleFor(cli.stderr, cli.env)));
    }
    return status;
  }
}
