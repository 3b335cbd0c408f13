import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { AdmittedApproval, ApprovalStanding } from '../../activities/approval.ts';
import type {
  AnalysisActivities,
  EnactorActivities,
  OrchestratorActivities,
  VoterActivities,
} from '../../activities/index.ts';
import type { PlanSummary } from '../../activities/plan.ts';
import { DomainError, type ErrorCode, type Violation } from '../../domain/errors.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { CommandAction, Verdict, VoteDecision } from '../../domain/evidence/statements.ts';
import { type ChangeInput, VOTER_ZONES } from '../../workflows/contract.ts';

/** Activities that other workflows than a change ask for. */
export type OfNoChange =
  | 'takeSnapshot'
  | 'changesSentBack'
  | 'resumptionStanding'
  | 'recordResumption'
  | 'survey'
  | 'restartChange'
  | 'keepReconciling'
  | 'settleZone';
export type ChangeVoter = Pick<VoterActivities, 'vote'>;

/** What production is before the change; otherwise it is the name of the stage that is live. */
export const BASE = 'base';
export const AUTHOR = 'ada';

/** What an approval in these tests says; the fake orchestrator judges it by these words alone. */
export interface Decision {
  approver: string;
  decision?: 'approve' | 'reject';
  nonce?: string;
  expired?: boolean;
  reason?: string;
}

export function decisionOf(decision: Decision): { approval: Envelope } {
  return {
    approval: envelopeOf({ decision: 'approve', nonce: `nonce of ${decision.approver}`, ...decision }),
  };
}

/** What a command in these tests says. */
export interface Order {
  action: CommandAction;
  person: string;
  reason: string;
  nonce: string;
  refused?: boolean;
}

export function orderOf(order: Partial<Order> & Pick<Order, 'action'>): { command: Envelope } {
  return { command: envelopeOf({ person: 'olga', reason: 'a test', nonce: randomUUID(), ...order }) };
}

function envelopeOf(says: object): Envelope {
  const payload = JSON.stringify(says);
  return { payload, payloadType: 'test', signatures: [{ keyid: 'test', sig: digestOf(payload) }] };
}

export function violation(code: ErrorCode, message: string): Violation {
  return { code, rule: 'test', message, remedy: 'None: this is a test.' };
}

/**
 * The outside of one change, in memory: a zone, a log and the people on call. Each role's activities act on it as
 * the real ones do on the real world, as far as the workflow can tell; a test replaces those that it wants to fail.
 */
export class FakeWorld {
  readonly changeId: string;
  readonly planDigest: Digest;
  /** Which stage production is at. */
  live: string = BASE;
  /** What happened for good, in order: `intent 10%`, `applied 10%`, `committed`. The place in it is the index. */
  readonly log: string[] = ['request'];
  readonly pages: string[] = [];
  /** What the plan phase answers. */
  summary: PlanSummary;
  readonly #decisions = new Map<string, { key: string; answer: AdmittedApproval }>();

  constructor(changeId: string) {
    this.changeId = changeId;
    this.planDigest = digestOf(`plan of ${changeId}`);
    this.summary = {
      planDigest: this.planDigest,
      planIndex: 1,
      risk: { score: 10, class: 'standard', reasons: [{ points: 10, reason: 'a test' }] },
      approvalsNeeded: 1,
      // All of them: a vote that is no longer needed would be cancelled, and the test server can lose count of time.
      votesNeeded: 3,
      stages: [
        { name: '10%', percent: 10, baked: true },
        { name: '100%', percent: 100, baked: true },
        { name: 'final', percent: 100, baked: false },
      ],
      bakeMs: 30_000,
    };
  }

  get input(): ChangeInput {
    return {
      changeId: this.changeId,
      environment: 'prod',
      requestDigest: digestOf(`request of ${this.changeId}`),
      requestIndex: 0,
    };
  }

  record(entry: string): number {
    const known = this.log.indexOf(entry);
    return known >= 0 ? known : this.log.push(entry) - 1;
  }

  readonly orchestrator: Omit<OrchestratorActivities, OfNoChange> = {
    checkSchema: async () => ({
      violations: [],
      author: AUTHOR,
      reason: 'a test',
      resources: ['dns/example.com/api/A'],
      ordered: { abort: null, pause: null },
      underway: null,
    }),
    checkCausality: async () => ({ ahead: [], violations: [] }),
    makePlan: async ({ refused }) => {
      if (refused) return { violations: [], summary: null };
      this.record('plan');
      return { violations: [], summary: this.summary };
    },
    recordVotes: async ({ envelopes }) => ({ indices: envelopes.map(({ payload }) => this.record(payload)) }),
    admitApprovals: async ({ decisions }) => {
      const answers = decisions.map(({ approval }) => this.#admit(JSON.parse(approval.payload)));
      return { answers, tally: this.#tally() };
    },
    admitCommand: async ({ command }) => {
      const { refused, ...said } = JSON.parse(command.payload) as Order;
      if (refused) return { accepted: false, reasons: [violation('NOT_PERMITTED', 'Not theirs to give.')] };
      this.record(`ruling ${said.nonce}`);
      return { accepted: true, ...said, unrecorded: null };
    },
    orderStage: async ({ stage, verdict }) => {
      if (verdict) this.record(verdict.payload);
      return { status: 'ordered', intentIndex: this.record(`intent ${stage}`) };
    },
    sentBack: async () => null,
    recordVerdict: async ({ verdict }) => ({ index: this.record(verdict.payload) }),
    verifyLive: async ({ expect }) => {
      const expected = expect === 'before' ? BASE : this.summary.stages.at(-1)?.name;
      if (this.live === expected) return { violations: [] };
      return { violations: [violation('VERIFY_MISMATCH', `${this.live} is live, not ${expected}`)] };
    },
    recordEnd: async ({ status }) => {
      if (this.live !== BASE) throw new DomainError('ROLLBACK_INCOMPLETE', `${this.live} is live`);
      return { index: this.record(`end ${status}`) };
    },
    page: async ({ summary }) => {
      this.pages.push(summary);
    },
    findUnderway: async () => null,
  };

  readonly analysis: Pick<AnalysisActivities, 'judgeStage'> = {
    judgeStage: async ({ stage }) => this.judged(stage, 'pass'),
  };

  readonly enactor: Omit<EnactorActivities, OfNoChange> = {
    applyStage: async ({ intentIndex }) => {
      const stage = this.log[intentIndex]?.replace('intent ', '') ?? 'no such intent';
      this.live = stage;
      this.record(`applied ${stage}`);
      return { result: 'applied', at: new Date(0).toISOString() };
    },
    rollBack: async () => {
      this.live = BASE;
      this.record('rolled back');
      return { result: 'rolled-back', recorded: true, wasLive: true };
    },
    commit: async () => ({ result: 'committed', index: this.record('committed') }),
  };

  /** One voter a zone, by zone. */
  readonly voters: Record<string, ChangeVoter> = Object.fromEntries(
    VOTER_ZONES.map((zone) => [zone, this.voter(zone, 'yes')]),
  );

  voter(zone: string, decision: VoteDecision): ChangeVoter {
    return {
      vote: async ({ changeId, planDigest, round }) => ({
        envelope: { ...envelopeOf({}), payload: `${zone} votes ${decision} in round ${round}` },
        vote: {
          ...{ changeId, planDigest, round, decision, voterZone: zone, voter: `voter.${zone}` },
          environment: 'prod',
          reasons: decision === 'yes' ? [] : [violation('FROZEN', `${zone} is frozen`)],
          observation: {
            baseDigest: digestOf(BASE),
            logSize: this.log.length,
            frozen: decision === 'veto',
            zoneHealthy: true,
            clockSkewMs: 0,
          },
          at: new Date(0).toISOString(),
        },
      }),
    };
  }

  judged(stage: string, verdict: Verdict): { verdict: Verdict; reasons: string[]; envelope: Envelope } {
    const envelope = { ...envelopeOf({}), payload: `verdict ${stage} ${verdict}` };
    return { verdict, reasons: [`${verdict} in a test`], envelope };
  }

  #admit(said: Decision & Required<Pick<Decision, 'decision' | 'nonce'>>): AdmittedApproval {
    const { approver, decision, nonce } = said;
    const key = JSON.stringify(said);
    const earlier = this.#decisions.get(approver);
    if (earlier?.key === key) return earlier.answer;
    const reasons: Violation[] = [];
    if (approver === AUTHOR) reasons.push(violation('NOT_PERMITTED', 'The author does not approve.'));
    if (earlier?.answer.accepted)
      reasons.push(violation('NONCE_REPLAYED', `${approver} has decided already.`));
    if (said.expired) reasons.push(violation('APPROVAL_EXPIRED', 'It was signed too long ago.'));
    const accepted = reasons.length === 0;
    const index = this.record(`${accepted ? 'accepted' : 'refused'} ${decision} of ${approver}, ${nonce}`);
    const { reason } = said;
    const answer = {
      accepted,
      reasons,
      index,
      approver,
      decision,
      ...(reason === undefined ? {} : { reason }),
    };
    if (accepted || !earlier) this.#decisions.set(approver, { key, answer });
    return answer;
  }

  #tally(): ApprovalStanding {
    const accepted = [...this.#decisions.values()].map(({ answer }) => answer).filter((it) => it.accepted);
    const given = accepted.filter((it) => it.decision === 'approve').map((it) => it.approver);
    const count = this.summary.approvalsNeeded - given.length;
    const who = ['bob', 'cyd'].map((subject) => ({ subject, teams: ['payments'] }));
    return {
      needed: this.summary.approvalsNeeded,
      secondFactor: false,
      given,
      rejectedBy: accepted.find((it) => it.decision === 'reject')?.approver ?? null,
      eligible: ['bob', 'cyd'],
      missing: count > 0 ? [{ what: `${count} more approval${count === 1 ? '' : 's'}`, who }] : [],
      stale: null,
    };
  }
}

/** Where an activity waits until the test lets it go on, or the workflow cancels it. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();

  /** Resolves once an activity stands at the gate. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Resolves once it has been cancelled there. Until then the test server does not skip time. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  async pass(): Promise<void> {
    this.#reached.resolve();
    await Promise.race([this.#opened.promise, Context.current().cancelled]).catch((cancelled: unknown) => {
      this.#left.resolve();
      throw cancelled;
    });
  }
}
