import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../../domain/errors.ts';
import { devFile } from './install.ts';

const READY_POLL_MS = 25;
const STOP_GRACE_MS = 5_000;
const LOG_TAIL_LINES = 20;

/** How to run one server of the local stack. */
export interface ProcessPlan {
  name: string;
  /** Absolute path of a Python interpreter, which ties the process to this one. */
  python: string;
  /** Absolute path of the program, then its arguments. */
  command: readonly string[];
  /** The whole environment: nothing is inherited, so that a person's settings do not change the stack. */
  env: Record<string, string>;
  /** Output of every run is appended here. */
  logFile: string;
  /** How it is asked to end: by `stop`, and by the system when this process dies, whatever killed it. */
  endSignal: 'SIGTERM' | 'SIGKILL';
  /** One real request, itself bounded in time; throws as long as the server does not serve. */
  ready: () => Promise<void>;
  readyTimeoutMs: number;
  /** Called when the process ends although nobody here asked for it. */
  onUnexpectedExit: (message: string) => void;
}

export interface ManagedProcess {
  readonly pid: number;
  /** Asks it to end, insists with SIGKILL after five seconds; resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

/**
 * Starts a server and resolves when it answers. Rejects with `STACK_NOT_RUNNING`, the reason and the last
 * lines of its log, and leaves no process behind. The server ends with this process, or with this *thread*
 * where the kernel ties them (Linux): start servers from a process's main thread.
 */
export async function startProcess(plan: ProcessPlan): Promise<ManagedProcess> {
  const log = openSync(plan.logFile, 'a', 0o600);
  const child = spawn(
    plan.python,
    ['-I', devFile('end-with-parent.py'), String(process.pid), plan.endSignal, ...plan.command],
    // A session of its own: Ctrl-C in a terminal must reach us alone, who then stop servers in order.
    { env: plan.env, stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  let expected = false;
  let endedWith: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const settle = (how: string): void => {
      endedWith ??= how;
      resolve();
    };
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(signal ?? `status ${code}`));
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    expected = true;
    child.ref();
    if (endedWith === undefined) child.kill(signal);
    const insist = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(insist);
  };

  try {
    await untilReady(plan, ended, () => endedWith);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  void ended.then(() => {
    if (!expected) plan.onUnexpectedExit(`${plan.name} ended (${endedWith}).${logTail(plan.logFile)}`);
  });
  // The server must not keep this process alive: it ends with it anyway.
  child.unref();
  return { pid: child.pid ?? 0, stop: () => end(plan.endSignal), kill: () => end('SIGKILL') };
}

async function untilReady(
  plan: ProcessPlan,
  ended: Promise<void>,
  endedWith: () => string | undefined,
): Promise<void> {
  const deadline = performance.now() + plan.readyTimeoutMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      const answered = await Promise.race([plan.ready().then(() => true), ended.then(() => false)]);
      if (answered && endedWith() === undefined) return;
    } catch (error) {
      cause = error;
      await delay(READY_POLL_MS);
    }
    if (endedWith() !== undefined) {
      throw notRunning(plan, `ended (${endedWith()}) instead of serving`, cause);
    }
  }
  throw notRunning(plan, `did not serve within ${plan.readyTimeoutMs} ms`, cause);
}

function notRunning(plan: ProcessPlan, what: string, cause: unknown): DomainError {
  const lastAnswer = cause instanceof Error ? ` Its last answer: ${cause.message}.` : '';
  return new DomainError(
    'STACK_NOT_RUNNING',
    `${plan.name} ${what}.${lastAnswer}${logTail(plan.logFile)}`,
    { next: `See the whole log in ${plan.logFile}, then start again.` },
    cause,
  );
}

function logTail(logFile: string): string {
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n') : [];
  return lines.length === 0 ? '' : `\nIts last lines:\n  ${lines.slice(-LOG_TAIL_LINES).join('\n  ')}`;
}
