import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Frozen } from '../activities/authorised-step.ts';
import type { AdmittedCommand } from '../activities/command.ts';
import { type ErrorKind, errorKind, isErrorCode, type Violation } from '../domain/errors.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { CommandAction } from '../domain/evidence/statements.ts';
import { orchestrator } from './activities.ts';
import type { ChangeStatus, CommandAnswer, CommandMessage, Phase } from './contract.ts';
import { isEnd, type Progress } from './progress.ts';
import { SEARCH } from './search-attributes.ts';

/** Work was interrupted, by an abort or to continue as new; the phase returns to the main loop. */
export const STOPPED = Symbol('stopped');
export type Stopped = typeof STOPPED;

const RETRY_MS = 5_000;
/**
 * Every wait sets a timer, even one that only a person ends. A workflow task without any command is replayed as one
 * with the next; an update in that one would then meet the workflow before it waits, and order its commands otherwise.
 */
const LONGEST_TIMER_MS = 24 * 60 * 60_000;
/**
 * A change of four stages needs 160 events; more come from long waits and floods. A short history is replayed
 * fast by the next worker; the server's own limit is 51,200.
 */
const HISTORY_LIMIT_EVENTS = 600;
/** Of signals; who wants an answer sends an update, and the server lets ten of those be in flight. */
const MAX_COMMANDS_AT_ONCE = 20;

const BRAKE_INTERVAL_MS = 1_000;

/** How soon a change asks again whether it may go on. */
export const TURN_RETRY_MS = 2_000;

/** One change under way: its progress, and the ways in which its phases wait, hold, retry and are interrupted. */
export class ChangeRun {
  readonly progress: Progress;
  #continueRequests = 0;
  #looksForBrake = false;
  #lookedForBrakeAtMs = 0;
  #commandsUnderWay = 0;
  #lastCommand: Promise<unknown> = Promise.resolve();

  constructor(progress: Progress) {
    this.progress = progress;
  }

  get status(): ChangeStatus {
    return this.progress.status;
  }

  enter(phase: Phase): void {
    this.status.phase = phase;
    this.status.held = null;
    this.status.waitingFor = null;
    this.status.timeline.push({ phase, at: new Date(Date.now()).toISOString() });
  }

  /** Search attributes cost an event each time: told when a person may wait for it, not at every step. */
  publish(): void {
    const { changeId, environment, phase, author, resources, risk } = this.status;
    upsertSearchAttributes([
      { key: SEARCH.changeId, value: changeId },
      { key: SEARCH.environment, value: environment },
      { key: SEARCH.phase, value: phase },
      { key: SEARCH.author, value: author },
      { key: SEARCH.resources, value: resources },
      ...(risk ? [{ key: SEARCH.risk, value: risk.class }] : []),
    ]);
  }

  refuse(violations: readonly Violation[]): void {
    this.status.violations.push(...violations);
  }

  /**
   * Handler of the update: has the command judged and recorded, and follows it if it is its signer's to give. One after
   * another, so that a pause that came first does not undo a later word to continue.
   */
  async command({ command }: CommandMessage): Promise<CommandAnswer> {
    this.#commandsUnderWay += 1;
    const answered = this.#lastCommand.then(() => this.#admit(command));
    this.#lastCommand = answered;
    try {
      return await answered;
    } finally {
      this.#commandsUnderWay -= 1;
    }
  }

  async #admit(command: Envelope): Promise<CommandAnswer> {
    const { changeId } = this.status;
    const { unrecorded } = this.progress;
    try {
      // A cancelled workflow is an aborted change, and its people may still steer it.
      const admitted = await CancellationScope.nonCancellable(() =>
        orchestrator.admitCommand({ changeId, command, unrecorded }),
      );
      if (!admitted.accepted) return this.#refusal(admitted.reasons);
      this.progress.unrecorded = admitted.unrecorded === null ? [] : [...unrecorded, admitted.unrecorded];
      return this.#follow(admitted);
    } catch (error) {
      const { message, next, violations } = failureOf(error);
      const unknown: Violation = { code: 'ENGINE_UNAVAILABLE', rule: 'command', message, remedy: next };
      return this.#refusal(violations.length > 0 ? violations : [unknown]);
    }
  }

  /** Handler of the signal: equal in effect, unanswered. A flood of them costs no more than so many at once. */
  async dropCommand(message: CommandMessage): Promise<void> {
    if (this.#commandsUnderWay < MAX_COMMANDS_AT_ONCE) await this.command(message);
  }

  /** What needs nobody's signature: the engine itself was told to cancel. */
  abort(by: string, reason: string): CommandAnswer {
    return this.#steer('abort', { by, reason });
  }

  #follow({ action, person, reason, nonce }: Extract<AdmittedCommand, { accepted: true }>): CommandAnswer {
    const { followed } = this.progress;
    if (followed.includes(nonce)) return this.#answer(true, 'It was followed already.');
    followed.push(nonce);
    return this.#steer(action, { by: person, reason });
  }

  #steer(action: CommandAction, order: { by: string; reason: string }): CommandAnswer {
    const { phase } = this.status;
    const { ending } = this.progress;
    if (isEnd(phase)) return this.#answer(false, `The change is over: ${phase}.`);
    if (action !== 'continue' && ending !== null)
      return this.#answer(false, `It is ending already: ${ending}.`);
    if (action !== 'continue' && phase === 'rolling-back')
      return this.#answer(false, 'It is rolling back already.');
    if (action === 'abort') {
      this.progress.abort ??= order;
      return this.#answer(
        true,
        phase === 'commit'
          ? 'Its commit is on the way: it goes back only if that is refused.'
          : 'It stops at the next safe point, and goes back if anything was applied.',
      );
    }
    if (action === 'pause') {
      if (phase === 'commit')
        return this.#answer(false, 'Its commit is on the way: nothing is left to pause.');
      this.progress.paused = order;
      return this.#answer(true, 'It does not move forward until it is continued.');
    }
    this.progress.paused = null;
    this.#continueRequests += 1;
    return this.#answer(true, 'It goes on.');
  }

  #refusal(violations: Violation[]): CommandAnswer {
    const reason = violations.map(({ message }) => message).join(' ');
    return { accepted: false, phase: this.status.phase, reason, violations };
  }

  #answer(accepted: boolean, reason: string): CommandAnswer {
    return { accepted, phase: this.status.phase, reason, violations: [] };
  }

  /**
   * Looks whether a freeze sends this change back. Whoever signals is not believed, the log is; a change of which
   * nothing can be live waits for the freeze to end instead. A flood of signals costs one look a second: those that
   * come before the next look are answered by it. A history that is full ends first; the change meets the freeze then.
   */
  async brake(): Promise<void> {
    const { plan, ending } = this.progress;
    if (this.#looksForBrake || plan === null || ending !== null || this.status.undo.length === 0) return;
    if (this.needsNewHistory()) return;
    this.#looksForBrake = true;
    try {
      const waitMs = this.#lookedForBrakeAtMs + BRAKE_INTERVAL_MS - Date.now();
      if (waitMs > 0) await sleep(waitMs);
      this.#lookedForBrakeAtMs = Date.now();
      this.#sendBack(await orchestrator.sentBack({ planDigest: plan.planDigest }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the log does not say whether a freeze sends this change back', { error: String(error) });
    } finally {
      this.#looksForBrake = false;
    }
  }

  /** Holds where it is while a freeze is in the way, and asks again; goes back where the freeze says so. */
  async waitOutFreeze({ reason, sentBackBy }: Frozen): Promise<undefined | Stopped> {
    this.#sendBack(sentBackBy);
    return this.waitFor(reason, 'an operator: resume automation', () => false, TURN_RETRY_MS);
  }

  #sendBack(sentBackBy: Frozen['sentBackBy']): void {
    if (sentBackBy === null || this.status.undo.length === 0 || isEnd(this.status.phase)) return;
    if (this.status.phase !== 'rolling-back') this.progress.abort ??= sentBackBy;
  }

  needsNewHistory(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return continueAsNewSuggested || historyLength > HISTORY_LIMIT_EVENTS;
  }

  /**
   * A rollback is not given up, nor the record of an end, nor a commit: only its answer tells whether there is
   * anything left to go back from. There, only a full history interrupts.
   */
  get aborting(): boolean {
    const { abort, ending } = this.progress;
    return abort !== null && ending === null && !UNINTERRUPTED.includes(this.status.phase);
  }

  get mustStop(): boolean {
    return this.aborting || this.needsNewHistory();
  }

  /** Runs `work` until it is done, or cancels it because the change is to stop. */
  async untilStopped<T>(work: () => Promise<T>): Promise<T | Stopped> {
    if (this.mustStop) return STOPPED;
    const scope = new CancellationScope();
    let settled = false;
    const running = scope.run(work).finally(() => {
      settled = true;
    });
    // Its failure is met at `await running`; without this it would count as unhandled until then.
    running.catch(() => undefined);
    await condition(() => settled || this.mustStop);
    if (!settled) scope.cancel();
    try {
      return await running;
    } catch (error) {
      if (isCancellation(error)) return STOPPED;
      throw error;
    }
  }

  /** Waits for something that a person or another change must do, saying what and who. */
  async waitFor(
    what: string,
    who: string,
    fulfilled: () => boolean,
    timeoutMs?: number,
  ): Promise<undefined | Stopped> {
    this.status.waitingFor = { what, who };
    const done = () => fulfilled() || this.mustStop;
    if (timeoutMs === undefined) while (!(await condition(done, LONGEST_TIMER_MS)));
    else await condition(done, timeoutMs);
    this.status.waitingFor = null;
    return this.mustStop && !fulfilled() ? STOPPED : undefined;
  }

  /** Stands still until somebody continues or aborts, having paged. With `retryMs` it also goes on by itself. */
  async hold(why: string, next: string, retryMs?: number): Promise<undefined | Stopped> {
    // Before the page: whom it reaches may answer at once.
    const asked = this.#continueRequests;
    if (this.status.held?.why !== why) {
      this.status.held = { why, next };
      await this.#page(why, next);
    }
    const stopped = await this.waitFor(
      why,
      'an operator: continue or abort',
      () => this.#continueRequests > asked,
      retryMs,
    );
    // Carried into a new history, it is the same hold and pages nobody again.
    if (stopped ? this.aborting : retryMs === undefined) this.status.held = null;
    return stopped;
  }

  async #page(summary: string, next: string): Promise<void> {
    try {
      await orchestrator.page({ changeId: this.status.changeId, summary, next });
    } catch (error) {
      log.error('page failed', { summary, error: String(error) });
    }
  }

  /** Between steps that move production: here a pause takes effect, and an abort. */
  async safePoint(): Promise<undefined | Stopped> {
    const { paused } = this.progress;
    if (this.mustStop) return STOPPED;
    if (paused === null) return undefined;
    const stopped = await this.waitFor(
      pausedBy(paused),
      PAUSE_ENDED_BY,
      () => this.progress.paused === null && !this.mustStop,
    );
    return stopped;
  }

  /**
   * Calls until it succeeds or is refused for good. While something outside is down, or evidence does not fit, the
   * change holds and says so.
   */
  async persist<T>(doing: string, call: () => Promise<T>): Promise<T | Stopped> {
    let held = false;
    for (;;) {
      try {
        const result = await call();
        if (held) this.status.held = null;
        return result;
      } catch (error) {
        if (isCancellation(error)) throw error;
        const failure = failureOf(error);
        if (failure.kind !== 'unavailable' && failure.kind !== 'integrity' && failure.kind !== 'bug')
          throw error;
        held = true;
        const stopped = await this.hold(
          `${doing}: ${failure.message}`,
          failure.next,
          failure.kind === 'unavailable' ? RETRY_MS : undefined,
        );
        if (stopped) return STOPPED;
      }
    }
  }
}

/** Why a change ended that somebody aborted. */
export function abortion(abort: Progress['abort']): Violation {
  const { by, reason } = abort ?? { by: 'unknown', reason: 'unknown' };
  return {
    code: 'ABORTED',
    rule: 'abort',
    message: `Aborted by ${by}: ${reason}`,
    remedy: 'Submit it again when it may go on.',
  };
}

const UNINTERRUPTED: readonly Phase[] = ['commit', 'rolling-back'];

export const PAUSE_ENDED_BY = 'anyone: continue or abort';

export function pausedBy({ by, reason }: { by: string; reason: string }): string {
  return `paused by ${by}: ${reason}`;
}

export interface Failure {
  kind: ErrorKind | 'bug';
  message: string;
  next: string;
  violations: Violation[];
}

/** Reads an activity's failure back into our own words: `ApplicationFailure.type` is the code. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ApplicationFailure && cause.type && isErrorCode(cause.type)) {
    const details = (cause.details?.[0] ?? {}) as { next?: string; violations?: Violation[] };
    const next = details.next ?? 'See the message.';
    return {
      kind: errorKind(cause.type),
      message,
      next,
      violations: details.violations ?? [{ code: cause.type, rule: 'activity', message, remedy: next }],
    };
  }
  // A time-out: nobody polls that role's queue, or its worker died.
  if (error instanceof ActivityFailure && !(cause instanceof ApplicationFailure)) {
    return { kind: 'unavailable', message, next: 'Start the worker of that role.', violations: [] };
  }
  return {
    kind: 'bug',
    message,
    next: 'This is a defect: see the worker log, mend it, then continue.',
    violations: [],
  };
}
