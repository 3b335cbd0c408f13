import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { planText } from '../../client/cli/plan-text.ts';
import type { Style } from '../../client/cli/style.ts';
import { type Connected, connect, openPerson } from '../../client/compose.ts';
import type { Person } from '../../client/control-plane.ts';
import type { Installation } from '../../client/installation.ts';
import { readRequestFile } from '../../client/request-file.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';

/** One thing that the demo shows. It brings what it needs and leaves nothing running. */
export type DemoPart = (demo: Demo) => Promise<void>;

export interface Claim {
  held: boolean;
  claim: string;
}

export interface Engine {
  stop(): Promise<void>;
  start(): Promise<void>;
}

const POLL_MS = 100;
const ENDS: readonly ChangeStatus['phase'][] = ['committed', 'rejected', 'rolled-back'];

/** An environment that runs, its people, and a transcript of what was claimed and seen. */
export class Demo {
  readonly installation: Installation;
  /** What the environment hands to its consumers. */
  readonly consumerFile: string;
  /** Temporal, to be taken away and brought back on the same data. */
  readonly engine: Engine;
  /** A folder of the demo's own, removed at its end. */
  readonly home: string;
  readonly connected: Connected;
  readonly style: Style;
  readonly claims: Claim[] = [];
  readonly #say: (line: string) => void;
  readonly #people: { alice: Person; bob: Person; carol: Person };

  private constructor(input: DemoInput, connected: Connected) {
    this.installation = input.installation;
    this.consumerFile = input.consumerFile;
    this.engine = input.engine;
    this.home = input.home;
    this.style = input.style;
    this.#say = input.say;
    this.connected = connected;
    const person = (subject: string) => openPerson(input.installation, subject);
    this.#people = { alice: person('alice'), bob: person('bob'), carol: person('carol') };
  }

  static async open(input: DemoInput): Promise<Demo> {
    return new Demo(input, await connect(input.installation));
  }

  close(): Promise<void> {
    return this.connected.close();
  }

  say(line: string): void {
    this.#say(line);
  }

  heading(text: string): void {
    process.stdout.write('\n');
    this.say(this.style('bold', text));
  }

  prove(claim: string, held: boolean): void {
    this.claims.push({ held, claim });
    this.say(`${held ? this.style('green', 'proven') : this.style('red', 'FAILED')}  ${claim}`);
  }

  /** Alice submits, the zones vote, Bob and Carol approve exactly the plan they saw; `before` they do. */
  async submitAndApprove(
    changeId: string,
    request: ChangeRequest,
    before: () => Promise<void> = async () => {},
  ): Promise<void> {
    const { controlPlane } = this.connected;
    const { alice, bob, carol } = this.#people;
    const preview = await controlPlane.plan(changeId, request);
    if (preview.plan) process.stdout.write(`\n${planText(preview.plan, preview.needs, this.style)}\n`);
    const { index } = await controlPlane.submit(changeId, request, alice);
    this.say(`alice submitted ${this.style('bold', changeId)}: recorded at entry ${index}`);

    const waiting = await this.until(changeId, (status) => status.phase === 'approval');
    const yes = waiting.votes.filter((vote) => vote.decision === 'yes').map((vote) => vote.voter);
    this.prove(
      `${yes.length} of 3 zones planned it again and voted yes (${yes.join(', ')})`,
      yes.length >= 2,
    );

    const plan = await controlPlane.planOf(changeId);
    const refusal = await refusalOf(() =>
      controlPlane.decide(changeId, { decision: 'approve', plan }, alice),
    );
    this.prove(refusal === null ? 'alice approved her own change' : `refused: ${refusal}`, refusal !== null);
    await before();
    for (const person of [bob, carol]) {
      const answer = await controlPlane.decide(changeId, { decision: 'approve', plan }, person);
      this.say(`${person.subject} approved ${waiting.planDigest?.slice(0, 19)}… (entry ${answer.index})`);
    }
  }

  /** What the rest stands on, without the ceremony. */
  async makeLive(changeId: string, request: ChangeRequest): Promise<void> {
    const { controlPlane } = this.connected;
    const { alice, bob, carol } = this.#people;
    await controlPlane.submit(changeId, request, alice);
    await this.until(changeId, (status) => status.phase === 'approval');
    const plan = await controlPlane.planOf(changeId);
    for (const person of [bob, carol])
      await controlPlane.decide(changeId, { decision: 'approve', plan }, person);
    const { phase } = await this.until(changeId, hasEnded);
    this.say(`${changeId} is ${phase}`);
  }

  /** Calls `look` with each status until the change has ended, and returns the last. */
  async follow(
    changeId: string,
    look: (status: ChangeStatus) => void | Promise<void>,
  ): Promise<ChangeStatus> {
    for (;;) {
      const status = await this.connected.controlPlane.status(changeId);
      await look(status);
      if (hasEnded(status)) return status;
      if (status.held) this.say(this.style('yellow', `held: ${status.held.why}`));
      await sleep(POLL_MS);
    }
  }

  async until(changeId: string, reached: (status: ChangeStatus) => boolean): Promise<ChangeStatus> {
    for (;;) {
      const status = await this.connected.controlPlane.status(changeId);
      if (reached(status)) return status;
      if (status.phase === 'rejected') {
        throw new Error(
          `${changeId} was rejected: ${status.violations.map((one) => one.message).join('; ')}`,
        );
      }
      await sleep(POLL_MS);
    }
  }
}

export interface DemoInput extends Pick<Demo, 'installation' | 'consumerFile' | 'engine' | 'home' | 'style'> {
  say(line: string): void;
}

/** What somebody is told who may not do it; null when it is done. */
async function refusalOf(attempt: () => Promise<unknown>): Promise<string | null> {
  try {
    await attempt();
    return null;
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'forbidden') return error.message;
    throw error;
  }
}

function hasEnded({ phase }: ChangeStatus): boolean {
  return ENDS.includes(phase);
}

/** A request of the examples, by its file's path there. */
export function exampleRequest(file: string): ChangeRequest {
  return readRequestFile(fileURLToPath(new URL(`../${file}`, import.meta.url))).request;
}
