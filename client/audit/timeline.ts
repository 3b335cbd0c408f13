import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Said } from '../../domain/evidence/statement-codec.ts';
import type { VoteDecision } from '../../domain/evidence/statements.ts';
import { isWithdrawal } from '../../domain/log/entry.ts';
import { movesIn, saidIn } from '../../domain/log/override-authority.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';

/** One change as an auditor asks about it: who changed what, who allowed it, and what became of it. */
export interface ChangeStory {
  changeId: string;
  author: string;
  resources: string[];
  requestedAt: string;
  requestIndex: number;
  planDigest: Digest | null;
  votes: { voter: string; decision: VoteDecision; at: string; index: number }[];
  /** Accepted and refused decisions of people. */
  decisions: {
    approver: string;
    decision: 'approve' | 'reject';
    accepted: boolean;
    at: string;
    index: number;
  }[];
  /** What reached production, in order, and what was concluded there. */
  steps: { what: string; at: string; index: number }[];
  /** Null while it is open. */
  ended: { status: 'committed' | 'rejected' | 'rolled-back' | 'aborted'; at: string; index: number } | null;
}

export interface TimelineFilter {
  changeId?: string;
  resource?: string;
  /** Author, voter, approver: whoever had a say. */
  actor?: string;
}

export interface LiveAt {
  /** Of the last entry that is no later. */
  size: number;
  live: {
    resource: string;
    digest: Digest | null;
    version: string | null;
    changeId: string;
    index: number;
    author: string | null;
    approvedBy: string[];
    /** While part of the consumers got another one. */
    canary: {
      digest: Digest | null;
      version: string | null;
      percent: number;
      zones: string[];
      changeId: string;
    } | null;
  }[];
}

type Overriding = 'override-intent' | 'override-commit';

interface Told {
  index: number;
  fate: EntryFate;
  statement: Said | null;
}

/** Every change's story, in the order of their requests. Only entries that count tell one. */
export async function storiesOf(entries: AsyncIterable<Told>): Promise<ChangeStory[]> {
  const stories = new Map<string, ChangeStory>();
  for await (const { index, fate, statement } of entries) {
    if (fate.fate !== 'honoured' || statement === null) continue;
    if (statement.type === 'request') {
      const { changeId, author, resources, at } = statement.predicate;
      stories.set(changeId, begin(changeId, author, resources, at, index));
    } else if (statement.type === 'override-intent' || statement.type === 'override-commit') {
      const story = beginOverride(statement, index);
      stories.set(story.changeId, story);
    } else if ('changeId' in statement.predicate) {
      const story = stories.get(statement.predicate.changeId);
      if (story) tell(story, statement, index);
    }
  }
  return [...stories.values()];
}

export function isAbout(story: ChangeStory, { changeId, resource, actor }: TimelineFilter): boolean {
  const actors = [
    story.author,
    ...story.votes.map(({ voter }) => voter),
    ...story.decisions.map(({ approver }) => approver),
  ];
  return (
    (changeId === undefined || story.changeId === changeId) &&
    (resource === undefined || story.resources.includes(resource)) &&
    (actor === undefined || actors.includes(actor))
  );
}

/** What was live then, and whose changes made it so. */
export function liveAt(
  { live, size }: Pick<LogState, 'live' | 'size'>,
  stories: readonly ChangeStory[],
): LiveAt {
  const byId = new Map(stories.map((story) => [story.changeId, story]));
  return {
    size,
    live: Object.entries(live)
      .map(([resource, { digest, version, changeId, index, canary }]) => ({
        resource,
        digest,
        version,
        changeId,
        index,
        author: byId.get(changeId)?.author ?? null,
        approvedBy: approversOf(byId.get(changeId)),
        canary: canary && {
          digest: canary.digest,
          version: canary.version,
          percent: canary.percent,
          zones: canary.zones,
          changeId: canary.changeId,
        },
      }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1)),
  };
}

export function approversOf(story: ChangeStory | undefined): string[] {
  const given = (story?.decisions ?? []).filter(
    ({ accepted, decision }) => accepted && decision === 'approve',
  );
  return [...new Set(given.map(({ approver }) => approver))].sort();
}

function begin(
  changeId: string,
  author: string,
  resources: string[],
  requestedAt: string,
  requestIndex: number,
): ChangeStory {
  return {
    changeId,
    author,
    resources,
    requestedAt,
    requestIndex,
    planDigest: null,
    votes: [],
    decisions: [],
    steps: [],
    ended: null,
  };
}

/** Break-glass: asked for, allowed and carried out by one entry; records are live only with its outcome. */
function beginOverride(said: Extract<Said, { type: Overriding }>, index: number): ChangeStory {
  const { changeId, planDigest, at } = said.predicate;
  const { author, approvers, guards } = saidIn(said.predicate);
  const isLive = said.type === 'override-commit';
  const resources = (isLive ? movesIn(said.predicate) : said.predicate.resources).map((one) => one.resource);
  return {
    ...begin(changeId, author, resources, at, index),
    planDigest,
    decisions: approvers.map((approver) => ({ approver, decision: 'approve', accepted: true, at, index })),
    steps: [{ what: `break-glass over ${guards.join(', ')}`, at, index }],
    ended: isLive ? { status: 'committed', at, index } : null,
  };
}

function tell(story: ChangeStory, said: Said, index: number): void {
  const step = (what: string, at: string) => story.steps.push({ what, at, index });
  switch (said.type) {
    case 'plan':
      story.planDigest = said.predicate.planDigest;
      return;
    case 'vote': {
      const { voter, decision, at } = said.predicate;
      story.votes.push({ voter, decision, at, index });
      return;
    }
    case 'acceptance': {
      const { approver, decision, accepted, at } = said.predicate;
      story.decisions.push({ approver, decision, accepted, at, index });
      return;
    }
    case 'outcome': {
      const { stage, direction, result, at } = said.predicate;
      const went = direction === 'forward' ? `stage ${stage}` : `back from stage ${stage}`;
      step(result === 'applied' ? went : `${went}: did not land`, at);
      return;
    }
    case 'stage-verdict':
      step(`stage ${said.predicate.stage} judged: ${said.predicate.verdict}`, said.predicate.at);
      return;
    case 'commit': {
      const { rollout, at } = said.predicate;
      if (rollout === null) story.ended = { status: 'committed', at, index };
      else if (isWithdrawal(rollout)) step('withdrawn from its consumers', at);
      else step(`exposed to ${rollout.zones.join(', ') || `${rollout.percent} % of consumers`}`, at);
      return;
    }
    case 'override-outcome': {
      const { result, at } = said.predicate;
      story.ended = { status: result === 'applied' ? 'committed' : 'aborted', at, index };
      return;
    }
    case 'review':
      step(`review closed by ${said.predicate.reviewer}`, said.predicate.at);
      return;
    case 'end':
      story.ended = { status: said.predicate.status, at: said.predicate.at, index };
      return;
    default:
      return;
  }
}
