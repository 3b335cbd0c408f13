import type { ChangeStatus } from '../../workflows/contract.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type Cli, printJson, styleOf } from './cli.ts';
import { errorOfEnded, exitStatusOf } from './exit-status.ts';
import { createRedraw } from './redraw.ts';
import { ended, eventsSince, statusText } from './status-text.ts';

const POLL_MS = 300;

/**
 * Follows a change to its end: drawn in place on a terminal, a line an event otherwise, a status a line as JSON.
 * The exit status says how it ended.
 */
export async function watchChange(
  cli: Cli,
  controlPlane: ControlPlane,
  changeId: string,
  json: boolean,
): Promise<void> {
  const show = json ? asJson(cli) : cli.stdout.isTTY ? asPicture(cli) : asEvents(cli);
  for (;;) {
    const status = await controlPlane.status(changeId);
    show(status);
    if (ended(status)) {
      const error = errorOfEnded(status);
      if (error) cli.exitStatus = exitStatusOf(error);
      return;
    }
    await cli.sleep(POLL_MS);
  }
}

type Show = (status: ChangeStatus) => void;

function asJson(cli: Cli): Show {
  let before = '';
  return (status) => {
    const text = JSON.stringify(status);
    if (text !== before) printJson(cli, status);
    before = text;
  };
}

function asPicture(cli: Cli): Show {
  const style = styleOf(cli, false);
  const draw = createRedraw(cli.stdout);
  return (status) => draw(statusText(status, { nowMs: cli.nowMs(), style }), ended(status));
}

function asEvents(cli: Cli): Show {
  let before: ChangeStatus | null = null;
  return (status) => {
    for (const event of eventsSince(before, status)) cli.stdout.write(`${event}\n`);
    const over = errorOfEnded(status);
    if (over) cli.stdout.write(`${over.message}\n`);
    for (const { rule, message, remedy } of over ? status.violations : []) {
      cli.stdout.write(`  ${rule}  ${message}  → ${remedy}\n`);
    }
    before = status;
  };
}
