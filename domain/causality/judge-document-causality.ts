import { diffDocuments, threeWayDiff } from '../change/document-diff.ts';
import type { DocumentEdit, DocumentPlan, PlannedDocument } from '../change/document-plan.ts';
import { type ChangeRequest, resourceOf } from '../change/request.ts';
import { DomainError, type Violation, violationsOf } from '../errors.ts';
import { canonicalText, type Digest } from '../evidence/canonical-json.ts';
import { own } from '../log/authority.ts';
import type { LiveVersion, LogState } from '../log/state.ts';
import { parseDependency } from './dependency.ts';
import { dependentsIndex } from './dependency-graph.ts';
import { compare, countOf, type VectorClock } from './vector-clock.ts';
import { brokenDependents, cycleFrom, dependenciesOf, lackOf, type WouldBe } from './would-be.ts';

export interface DocumentCausalityInput {
  changeId: string;
  request: ChangeRequest;
  /** Made from `request` and `state`. */
  plan: DocumentPlan;
  state: LogState;
  /** `LogState.clock` of the state that the author looked at; null when the request does not say. */
  seen: VectorClock | null;
  /** Parsed bodies by digest: the author's base, the targets and what is live. One that is missing is only not shown. */
  bodies: ReadonlyMap<Digest, unknown>;
}

/**
 * Phase `causal` for documents, judged on the state that would exist, so that a batch may add both ends of a
 * dependency: nobody changed meanwhile what the author changes, what the batch needs is there in a version that will
 * do, what stays loses nothing that it needs, and no cycle comes of it. The fold asks the same at the commit's own
 * index. Returns every violation; never throws.
 */
export function judgeDocumentCausality(input: DocumentCausalityInput): Violation[] {
  const dependents = dependentsIndex(input.state.live);
  const world: WouldBe = {
    state: input.state,
    moves: new Map(
      input.plan.resources.map((one) => [
        one.resource,
        {
          resource: one.resource,
          digest: one.targetDigest,
          version: one.targetVersion,
          dependsOn: dependenciesOf(input.plan, one),
        },
      ]),
    ),
    dependentsOf: (resource) => dependents.get(resource) ?? [],
  };
  return [
    ...impossibleClock(input),
    ...staleBases(input),
    ...missingDependencies(input, world),
    ...losses(input, world),
    ...cycles(input, world),
  ];
}

function impossibleClock({ seen, state }: DocumentCausalityInput): Violation[] {
  const [claimed, known] = [countOf(seen ?? {}, state.environment), countOf(state.clock, state.environment)];
  if (claimed <= known) return [];
  return [
    {
      code: 'STALE_BASE',
      rule: 'clock-not-ahead',
      message: `The request was made after commit ${claimed} of ${state.environment}; the log has ${known}.`,
      remedy: 'Submit it to the environment that it was made for; submit fills in the clock.',
    },
  ];
}

/** An edit is concurrent when its author had not seen the live version: its vector is not before what they saw. */
function staleBases(input: DocumentCausalityInput): Violation[] {
  const { request, plan, state, seen } = input;
  const { base } = request.spec;
  const resources = new Set([...plan.resources.map((one) => one.resource), ...Object.keys(base)]);
  return [...resources].flatMap((resource): Violation[] => {
    const live = own(state.live, resource);
    const document = plan.resources.find((one) => one.resource === resource);
    const expected = own(base, resource);
    const order = live === undefined || seen === null ? 'before' : compare(live.vector, seen);
    if (document && live && (order === 'after' || order === 'concurrent')) {
      return [concurrentEdit(input, document, live)];
    }
    if (expected === undefined || expected === (live?.digest ?? null)) return [];
    return [
      {
        code: 'STALE_BASE',
        rule: 'base-is-live',
        path: `spec.base["${resource}"]`,
        message: `${resource} was expected to be ${expected ?? 'absent'}; live is ${live?.digest ?? 'absent'}.${document ? sides(input, document, live) : ''}`,
        remedy: 'Look at what is live now, correct the change and its base, and submit it again.',
      },
    ];
  });
}

function concurrentEdit(
  input: DocumentCausalityInput,
  document: PlannedDocument,
  live: LiveVersion,
): Violation {
  const { resource } = document;
  return {
    code: 'STALE_BASE',
    rule: 'concurrent-edit',
    path: operationPath(input.request, resource),
    message: `Change ${live.changeId} made ${resource} ${live.version ?? 'absent'} at entry ${live.index}, which the author had not seen.${sides(input, document, live)}`,
    remedy: `Begin again from \`resilience-ctl draft ${resource}\`, and take in what ${live.changeId} did, or leave it out on purpose. By hand: name ${live.digest ?? 'null'} as its base, and no clock or vector.`,
  };
}

/** What both made of the author's base; without it, how they differ. Empty when a body is not at hand. */
function sides(
  { request, bodies }: DocumentCausalityInput,
  { resource, targetDigest }: PlannedDocument,
  live: LiveVersion | undefined,
): string {
  const body = (digest: Digest | null) => (digest === null ? undefined : bodies.get(digest));
  const isKnown = (digest: Digest | null) => digest === null || bodies.has(digest);
  const liveDigest = live?.digest ?? null;
  const baseDigest = own(request.spec.base, resource);
  if (!isKnown(targetDigest) || !isKnown(liveDigest)) return '';
  const [mine, theirs] = [body(targetDigest), body(liveDigest)];
  if (baseDigest === undefined || !isKnown(baseDigest)) {
    return ` From live to this change: ${inWords(diffDocuments(theirs, mine))}.`;
  }
  const diff = threeWayDiff(body(baseDigest), mine, theirs);
  const clashes = diff.conflicts.map(({ path }) => placeOf(path));
  const [yours, others] = [
    [...diff.mine, ...diff.conflicts.flatMap((one) => one.mine)],
    [...diff.theirs, ...diff.conflicts.flatMap((one) => one.theirs)],
  ];
  return [
    ` This change: ${inWords(yours)}.`,
    ` ${live?.changeId ?? 'Live'}: ${inWords(others)}.`,
    ...(diff.both.length > 0 ? [` Both alike: ${inWords(diff.both)}.`] : []),
    ` ${clashes.length > 0 ? `They clash at ${listed(clashes)}` : 'They do not clash'}.`,
  ].join('');
}

function inWords(edits: readonly DocumentEdit[]): string {
  if (edits.length === 0) return 'nothing';
  return listed(
    edits.map(({ path, before, after }) => `${placeOf(path)} ${shown(before)} → ${shown(after)}`),
  );
}

const MAX_LISTED = 5;
const MAX_VALUE_LENGTH = 60;

function listed(texts: readonly string[]): string {
  const more = texts.length > MAX_LISTED ? [`${texts.length - MAX_LISTED} more`] : [];
  return [...texts.slice(0, MAX_LISTED), ...more].join('; ');
}

function placeOf(path: string): string {
  return path === '' ? 'the whole document' : path;
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = canonicalText(value);
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH - 1)}…`;
}

function missingDependencies({ request, plan }: DocumentCausalityInput, world: WouldBe): Violation[] {
  const declared = request.spec.dependsOn.map((text, i) => ({ text, path: `spec.dependsOn[${i}]`, of: '' }));
  const extracted = plan.resources
    .filter((one) => one.targetDigest !== null)
    .flatMap(({ resource, dependsOn }) =>
      dependsOn.map((text) => ({ text, path: operationPath(request, resource), of: `${resource} needs ` })),
    );
  return [...declared, ...extracted].flatMap(({ text, path, of }): Violation[] => {
    const unreadable = problemsOf(text);
    if (unreadable.length > 0)
      return unreadable.map((one) => ({ ...one, rule: 'dependency-readable', path }));
    const lack = lackOf(text, world);
    if (lack === null) return [];
    const remedy =
      lack.rule === 'dependency-exists'
        ? 'Make it live first or in the same request, or do without it.'
        : 'Depend on a range that holds it, or move it into the range first or in the same request.';
    const message = of === '' ? `${text} ${lack.text}.` : `${of}${text}, which ${lack.text}.`;
    return [{ code: 'DEPENDENCY_MISSING', rule: lack.rule, path, message, remedy }];
  });
}

function problemsOf(dependency: string): readonly Violation[] {
  try {
    parseDependency(dependency);
    return [];
  } catch (error) {
    if (error instanceof DomainError) return violationsOf(error);
    throw error;
  }
}

/** What live resources outside of the batch would lose. */
function losses({ request, plan }: DocumentCausalityInput, world: WouldBe): Violation[] {
  const broken = brokenDependents(world);
  return plan.resources.flatMap(({ resource, targetDigest, targetVersion }): Violation[] => {
    const losers = broken.filter((one) => one.resource === resource);
    if (losers.length === 0) return [];
    const path = operationPath(request, resource);
    if (targetDigest !== null) {
      const who = losers.map(({ dependent, dependency }) => `${dependent} needs ${dependency}`).join(', ');
      return [
        {
          code: 'DEPENDENCY_MISSING',
          rule: 'dependents-in-range',
          path,
          message: `${resource} would be ${targetVersion}: ${who}.`,
          remedy: 'Move what depends on it to a range that holds the new version, in the same request.',
        },
      ];
    }
    const who = [...new Set(losers.map(({ dependent }) => dependent))];
    return [
      {
        code: 'DEPENDENCY_MISSING',
        rule: 'still-needed',
        path,
        message: `${resource} cannot be removed: ${who.join(', ')} depend${who.length === 1 ? 's' : ''} on it.`,
        remedy: 'First change or remove what depends on it, or do so in the same request.',
      },
    ];
  });
}

function cycles({ changeId, request }: DocumentCausalityInput, world: WouldBe): Violation[] {
  const itself = `change/${changeId}`;
  const cycle = request.spec.dependsOn.includes(itself) ? [itself, itself] : cycleFrom(world);
  if (cycle === null) return [];
  return [
    {
      code: 'CYCLE',
      rule: 'no-cycle',
      path: 'spec.dependsOn',
      message: `The dependencies would go in a circle: ${cycle.join(' → ')}.`,
      remedy: 'Remove one of these dependencies.',
    },
  ];
}

function operationPath({ spec }: ChangeRequest, resource: string): string {
  const i = spec.operations.findIndex((one) => resourceOf(one) === resource);
  return `spec.operations[${Math.max(i, 0)}]`;
}
