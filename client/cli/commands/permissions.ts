import type { Command } from 'commander';
import { DomainError, ERROR_KINDS } from '../../../domain/errors.ts';
import { type PermissionContext, permissionContextSchema } from '../../../domain/permissions/permission.ts';
import type { CheckedPermission } from '../../permission-desk.ts';
import { locate, readRequestFile } from '../../request-file.ts';
import {
  type Cli,
  printJson,
  styleOf,
  subjectFor,
  wantsJson,
  withControlPlane,
  withProgress,
} from '../cli.ts';
import { violationsText } from '../error-text.ts';
import { exitStatusOf } from '../exit-status.ts';

export function addPermissions(program: Command, cli: Cli): void {
  const permissions = program.command('permissions').description('who may do what, and by which policy');
  permissions
    .command('check')
    .description('ask the policy in force, and say which policy decides; does nothing')
    .argument('<action>', 'submit, approve, freeze, …')
    .argument('<resource>', 'such as dns/example.com/api/A, or environment/dev for a freeze')
    .option('--as <subject>', 'who asks')
    .option(
      '--context <key=value>',
      'a fact about the change: risk, author, owners, approvals, …',
      collect,
      [],
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl permissions check --as alice submit dns/example.com/api/A\n' +
        '  resilience-ctl permissions check --as bob approve switch/payments --context author=alice --context risk=critical\n',
    )
    .action((action: string, resource: string, { context }: { context: string[] }, command: Command) =>
      check(cli, action, resource, context, command),
    );
  permissions
    .command('test')
    .description('check the policy in a change request: its text, its own tests, and what must stay denied')
    .argument('<file>', 'change request that sets policy/permissions')
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl permissions test examples/documents/8-permissions.yaml\n',
    )
    .action((file: string, _options: unknown, command: Command) => test(cli, file, wantsJson(command)));
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

async function check(
  cli: Cli,
  action: string,
  resource: string,
  facts: readonly string[],
  command: Command,
): Promise<void> {
  const checked = await withControlPlane(cli, async ({ permissions }, installation) => {
    const subject = await subjectFor(cli, command, installation);
    const question = { action, resource, context: contextOf(facts, installation.environment, command) };
    return withProgress(cli, 'Reading the policy', permissions.check(subject, question));
  });
  if (!checked.allowed) cli.exitStatus = ERROR_KINDS.forbidden.exitStatus;
  if (wantsJson(command)) printJson(cli, checked);
  else cli.stdout.write(`${checkedText(checked)}\n`);
}

function checkedText({ question: { principal, action, resource }, allowed, why }: CheckedPermission): string {
  const { subject, roles, teams } = principal;
  const who = `${subject} (${roles.join(', ') || 'no role'}; ${teams.join(', ') || 'no team'})`;
  return `${who} ${allowed ? 'may' : 'may not'} ${action} ${resource}: ${why}.`;
}

/** `risk=critical`; lists are separated by commas. */
function contextOf(facts: readonly string[], environment: string, command: Command): PermissionContext {
  const fields = facts.map((fact): [string, unknown] => {
    const [key = '', ...rest] = fact.split('=');
    const value = rest.join('=');
    if (rest.length === 0) command.error(`error: ${fact} is not key=value`);
    if (key === 'owners' || key === 'kinds') return [key, value.split(',')];
    return [key, key === 'approvals' ? Number(value) : value];
  });
  const parsed = permissionContextSchema.safeParse({ environment, ...Object.fromEntries(fields) });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'context'}: ${message}`,
  );
  return command.error(`error: --context: ${problems.join('; ')}`);
}

async function test(cli: Cli, file: string, json: boolean): Promise<void> {
  const { request, positionOf } = readRequestFile(file);
  const result = await withControlPlane(cli, async ({ permissions }) => permissions.test(request));
  const violations = locate(result.violations, positionOf);
  const [first] = violations;
  if (first) cli.exitStatus = exitStatusOf(new DomainError(first.code, first.message));
  if (json) {
    printJson(cli, { tests: result.tests, violations });
    return;
  }
  if (!first) {
    cli.stdout.write(`The policy can be used, and all of its ${result.tests} tests pass.\n`);
    return;
  }
  const style = styleOf(cli, json);
  cli.stdout.write(`${style('red', `It would be refused, for ${violations.length} reason(s):`)}\n`);
  cli.stdout.write(violationsText(violations, style, file));
}
