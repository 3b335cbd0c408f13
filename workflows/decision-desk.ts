import { CancellationScope, condition } from '@temporalio/workflow';
import type { AdmittedApproval } from '../activities/approval.ts';
import { PHASES } from '../domain/change/lifecycle.ts';
import type { DecideAnswer, DecideMessage, Phase } from './contract.ts';
import type { Progress } from './progress.ts';

export interface Letter {
  message: DecideMessage;
  answer: DecideAnswer | null;
}

const BATCH = 50;
/**
 * What a flood of signals may keep waiting; identical ones count once and those beyond are dropped. All of them must
 * fit into the input of the next run, which the server limits to 2 MB, together with the updates: of these it lets
 * ten be in flight at once, and none is dropped, because somebody waits for its answer.
 */
const MAX_WAITING_SIGNALS = 90;

function isBeforeStages(phase: Phase): boolean {
  return PHASES.indexOf(phase) < PHASES.indexOf('stages');
}

/** Where people's decisions wait to be judged, whether they came by Update (answered) or by Signal. */
export class DecisionDesk {
  readonly #progress: Progress;
  readonly #letters: Letter[];

  constructor(progress: Progress) {
    this.#progress = progress;
    this.#letters = progress.inbox.map((message) => ({ message, answer: null }));
    progress.inbox = [];
  }

  get hasMail(): boolean {
    return this.#letters.length > 0;
  }

  /** Handler of the update: resolves once the decision is judged and recorded, or the phase for it has passed. */
  async decide(message: DecideMessage): Promise<DecideAnswer> {
    const letter = this.#receive(message, Number.POSITIVE_INFINITY);
    if (letter === null) return this.#tooLate();
    const { status } = this.#progress;
    // A cancelled workflow is an aborted change: who waits here is told so by its phase.
    await CancellationScope.nonCancellable(() =>
      condition(() => letter.answer !== null || !isBeforeStages(status.phase)),
    );
    return letter.answer ?? this.#tooLate();
  }

  /** Handler of the signal: equal in effect, unanswered. */
  drop(message: DecideMessage): void {
    this.#receive(message, MAX_WAITING_SIGNALS);
  }

  peek(): Letter[] {
    return this.#letters.slice(0, BATCH);
  }

  answer(batch: readonly Letter[], answers: readonly AdmittedApproval[]): void {
    batch.forEach((letter, position) => {
      const judged = answers[position];
      if (judged) letter.answer = { accepted: judged.accepted, reasons: judged.reasons, index: judged.index };
    });
    this.#letters.splice(0, batch.length);
  }

  /** Puts what is unjudged back into the progress, to be carried into the next run. */
  close(): void {
    this.#progress.inbox = this.#letters.map((letter) => letter.message);
  }

  #receive(message: DecideMessage, room: number): Letter | null {
    const { phase } = this.#progress.status;
    if (!isBeforeStages(phase)) return null;
    const waiting = this.#letters.find((one) => sameDecision(one.message, message));
    if (waiting) return waiting;
    if (this.#letters.length >= room) return null;
    const letter: Letter = { message, answer: null };
    this.#letters.push(letter);
    return letter;
  }

  #tooLate(): DecideAnswer {
    const { changeId, phase } = this.#progress.status;
    return {
      accepted: false,
      index: null,
      reasons: [
        {
          code: 'ALREADY_ENDED',
          rule: 'approval-phase',
          message: `Change ${changeId} is no longer waiting for approval: ${phase}.`,
          remedy: 'See its status; abort it if it must not go on.',
        },
      ],
    };
  }
}

/** Signatures and second factor included: a badly signed copy of a decision must not stand in for the real one. */
function sameDecision(a: DecideMessage, b: DecideMessage): boolean {
  return (
    a.approval.payload === b.approval.payload &&
    a.approval.signatures[0]?.sig === b.approval.signatures[0]?.sig &&
    a.mfa?.signatures[0]?.sig === b.mfa?.signatures[0]?.sig
  );
}
