import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  patched,
  setHandler,
} from '@temporalio/workflow';
import { type LifecycleEvent, nextPhase } from '../domain/change/lifecycle.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { EndStatus } from '../domain/evidence/statements.ts';
import { orchestrator } from './activities.ts';
import { abortion, ChangeRun, failureOf, STOPPED, type Stopped } from './change-run.ts';
import {
  type ChangeInput,
  type ChangeResult,
  type ChangeStatus,
  type CommandAnswer,
  type CommandMessage,
  type DecideAnswer,
  type DecideMessage,
  MESSAGES,
  type Phase,
  STATUS_QUERY,
} from './contract.ts';
import { DecisionDesk } from './decision-desk.ts';
import { answerWaiting, approval } from './phases/approval.ts';
import { causal } from './phases/causal.ts';
import { commit } from './phases/commit.ts';
import type { PhaseOutcome } from './phases/outcome.ts';
import { plan } from './phases/plan.ts';
import { quorum } from './phases/quorum.ts';
import { rollingBack } from './phases/rolling-back.ts';
import { schema } from './phases/schema.ts';
import { stages } from './phases/stages.ts';
import { verify } from './phases/verify.ts';
import { begin, isEnd, type Progress } from './progress.ts';
import { takeUp } from './take-up.ts';

const decideUpdate = defineUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide);
const decideSignal = defineSignal<[DecideMessage]>(MESSAGES.decide);
const commandUpdate = defineUpdate<CommandAnswer, [CommandMessage]>(MESSAGES.command);
const commandSignal = defineSignal<[CommandMessage]>(MESSAGES.command);
const brakeSignal = defineSignal(MESSAGES.brake);
const statusQuery = defineQuery<ChangeStatus>(STATUS_QUERY);

type Running = Exclude<Phase, 'committed' | 'rejected' | 'rolled-back'>;

const PHASE: Record<Running, (run: ChangeRun, desk: DecisionDesk) => Promise<PhaseOutcome>> = {
  submitted: async () => 'passed',
  schema,
  causal,
  plan,
  quorum,
  approval,
  stages,
  verify,
  commit,
  'rolling-back': rollingBack,
};

/** At these a person may be waiting for the change: worth an event in the history. */
const PUBLISHED: readonly Phase[] = [
  'approval',
  'stages',
  'rolling-back',
  'committed',
  'rejected',
  'rolled-back',
];

/** The durable process of one change, from its request to its end. Its id is the change id. */
export async function change(input: ChangeInput, carried?: Progress): Promise<ChangeResult> {
  const progress = carried ?? begin(input, Date.now());
  const run = new ChangeRun(progress);
  const desk = new DecisionDesk(progress);
  listen(run, desk);
  // Cancelling the workflow is an abort: it stops at a safe point and goes back, it never just disappears.
  CancellationScope.current().cancelRequested.catch(() => {
    run.abort('Temporal', 'the workflow was cancelled');
  });
  return CancellationScope.nonCancellable(() => toTheEnd(input, run, desk));
}

function listen(run: ChangeRun, desk: DecisionDesk): void {
  setHandler(statusQuery, () => run.status);
  setHandler(decideUpdate, (message) => desk.decide(message), { validator: checkDecision });
  setHandler(decideSignal, (message) => {
    if (isDecision(message)) desk.drop(message);
  });
  setHandler(commandUpdate, (message) => run.command(message), { validator: checkCommand });
  setHandler(commandSignal, async (message) => {
    if (isCommand(message)) await run.dropCommand(message);
  });
  setHandler(brakeSignal, () => run.brake());
}

async function toTheEnd(input: ChangeInput, run: ChangeRun, desk: DecisionDesk): Promise<ChangeResult> {
  const { progress, status } = run;
  while (!isEnd(status.phase)) {
    const stopped =
      progress.ending === null ? await onePhase(run, desk) : await recordEnd(run, progress.ending);
    if (stopped) {
      await answerWaiting(run, desk);
      // Who cannot be answered yet asks again, with the same update id, when this run closes.
      await condition(allHandlersFinished, HANDLER_GRACE_MS);
      desk.close();
      await continueAsNew<typeof change>(input, progress);
    }
  }
  await condition(allHandlersFinished);
  return {
    status: status.phase === 'committed' ? 'committed' : endStatus(run),
    violations: status.violations,
  };
}

const HANDLER_GRACE_MS = 10_000;

/** Goes through the current phase and moves to the next; what ends the change is recorded first. */
async function onePhase(run: ChangeRun, desk: DecisionDesk): Promise<undefined | Stopped> {
  const { phase } = run.status;
  const outcome = run.mustStop
    ? STOPPED
    : await refusalAsOutcome(run, () => PHASE[phase as Running](run, desk));
  if (outcome === STOPPED && !run.aborting) return STOPPED;
  if (outcome === STOPPED) run.refuse([abortion(run.progress.abort)]);
  const next = nextPhase(phase, eventOf(outcome, run));
  if (next === 'rejected' || next === 'rolled-back') run.progress.ending = next;
  else enter(run, next);
  return undefined;
}

/** Once an intent exists, its batch may still be on its way: then every no leads through the rollback. */
function eventOf(outcome: PhaseOutcome, { status }: ChangeRun): LifecycleEvent {
  if (outcome === STOPPED) return 'aborted';
  const mayBeLive = status.undo.length > 0 && status.phase !== 'commit';
  return outcome === 'refused' && mayBeLive ? 'regressed' : outcome;
}

/** A phase that an activity refuses for good ends like one that refuses; a rollback holds instead. */
async function refusalAsOutcome(run: ChangeRun, phase: () => Promise<PhaseOutcome>): Promise<PhaseOutcome> {
  for (;;) {
    try {
      return await phase();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === 'bug') throw error;
      if (run.status.phase !== 'rolling-back') {
        run.refuse(failure.violations);
        return 'refused';
      }
      const stopped = await run.hold(failure.message, failure.next);
      if (stopped) return STOPPED;
    }
  }
}

/** Records how the change ends, then ends it. Where a person has to look first, it is called again. */
async function recordEnd(run: ChangeRun, ending: 'rejected' | 'rolled-back'): Promise<undefined | Stopped> {
  const { changeId, violations: reasons } = run.status;
  const status = endStatus(run);
  try {
    const recorded = await run.persist('recording the end', () =>
      orchestrator.recordEnd({ changeId, status, reasons, unrecorded: run.progress.unrecorded }),
    );
    if (recorded === STOPPED) return STOPPED;
  } catch (error) {
    const failure = failureOf(error);
    // To the log production is not as before, and these records stay reserved: not an end that may go unseen.
    if (failure.kind === 'stuck') {
      if (ending === 'rejected' && patched('take-up')) return backFromLostRun(run);
      return run.hold(`recording the end: ${failure.message}`, failure.next);
    }
    // A change that the log never honoured has no end there either; anything else is for the log's readers.
    log.warn('the end is not in the log', { changeId, error: failure.message });
  }
  run.progress.ending = null;
  enter(run, ending);
  return undefined;
}

/** This run wrote nothing and the log says that the change did: a run before it was reset or terminated. */
async function backFromLostRun(run: ChangeRun): Promise<undefined | Stopped> {
  const { changeId } = run.status;
  try {
    const found = await run.persist('looking for what was written', () =>
      orchestrator.findUnderway({ changeId }),
    );
    if (found === STOPPED) return STOPPED;
    if (found !== null) {
      takeUp(run, found);
      run.progress.ending = null;
      enter(run, 'rolling-back');
    }
    return undefined;
  } catch (error) {
    const { message, next } = failureOf(error);
    return run.hold(`looking for what was written: ${message}`, next);
  }
}

function enter(run: ChangeRun, phase: Phase): void {
  run.enter(phase);
  if (PUBLISHED.includes(phase)) run.publish();
}

function endStatus({ progress, status }: ChangeRun): EndStatus {
  if ((progress.ending ?? status.phase) === 'rolled-back') return 'rolled-back';
  return progress.abort === null ? 'rejected' : 'aborted';
}

function isDecision(message: DecideMessage | undefined): boolean {
  return (
    isEnvelope(message?.approval) && (message?.mfa === undefined || isEnvelope(message.mfa)) && fits(message)
  );
}

function isCommand(message: CommandMessage | undefined): boolean {
  return isEnvelope(message?.command) && fits(message);
}

function isEnvelope(envelope: Envelope | undefined): boolean {
  return (
    typeof envelope?.payload === 'string' &&
    Array.isArray(envelope.signatures) &&
    envelope.signatures.length > 0 &&
    envelope.signatures.every((one) => typeof one?.keyid === 'string' && typeof one.sig === 'string')
  );
}

/** What waits is carried into the next run whole, so the whole counts; base64 and key ids are ASCII. */
function fits(message: DecideMessage | CommandMessage | undefined): boolean {
  const text = JSON.stringify(message);
  return text.length <= MAX_MESSAGE_LENGTH && /^[ -~]*$/.test(text);
}

/** What a person signs is some hundred bytes; this much is refused before it costs any history. */
const MAX_MESSAGE_LENGTH = 10_240;

function checkDecision(message: DecideMessage): void {
  if (!isDecision(message)) throw noEnvelope('decision');
}

function checkCommand(message: CommandMessage): void {
  if (!isCommand(message)) throw noEnvelope('command');
}

function noEnvelope(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `A ${what} is at most 10 KiB of signed DSSE envelopes.`,
    'SCHEMA_INVALID',
  );
}
