import type { ChangeLog } from '../activities/ports/change-log.ts';
import { DomainError } from '../domain/errors.ts';
import type { OverrideIntentPredicate } from '../domain/evidence/statements.ts';
import type { LogState } from '../domain/log/state.ts';
import type { ChangeStatus } from '../workflows/contract.ts';
import { type Assessment, assess, type CommittedMove, type Drift } from './assess.ts';
import { storiesOf } from './audit/timeline.ts';
import type { Brakes } from './brakes.ts';
import type { ChangeEngine } from './change-engine.ts';
import { type LogLine, readLogLine } from './log-line.ts';
import { madeLive } from './made-live.ts';
import { statusFromLog } from './status-from-log.ts';

export interface AssessorParts {
  environment: string;
  log: ChangeLog;
  brakes: Pick<Brakes, 'status'>;
  engine: Pick<ChangeEngine, 'status'>;
  /** Where zones, and the records in them, are not as the log says. */
  drift(): Promise<Drift[]>;
  nowMs(): number;
}

export interface Assessor {
  /**
   * Everything that an operator has to know, of the environment or of one resource. Needs the log; without the engine
   * it is what the log knows, and says so. Throws what the log throws.
   */
  assess(resource: string | null): Promise<Assessment>;
}

export function createAssessor(parts: AssessorParts): Assessor {
  return {
    async assess(resource) {
      const automation = await parts.brakes.status();
      const state = await parts.log.sync();
      const [{ stories, moves, byChange }, drift] = await Promise.all([readLog(parts.log), parts.drift()]);
      const { statuses, engineAway } = await openStatuses(parts, state, byChange);
      const { environment } = parts;
      return assess({
        ...{ environment, nowMs: parts.nowMs(), resource, state, automation, engineAway },
        ...{ statuses, stories, moves, drift },
      });
    },
  };
}

interface Read {
  stories: Awaited<ReturnType<typeof storiesOf>>;
  moves: CommittedMove[];
  byChange: Map<string, LogLine[]>;
}

/** The log once, from its first entry: a snapshot does not know who approved what. */
async function readLog(log: ChangeLog): Promise<Read> {
  const moves: CommittedMove[] = [];
  const byChange = new Map<string, LogLine[]>();
  const overrides = new Map<string, OverrideIntentPredicate>();
  async function* told() {
    for await (const entry of log.entries(0)) {
      const line = readLogLine(entry);
      if (line.changeId !== null) byChange.set(line.changeId, [...(byChange.get(line.changeId) ?? []), line]);
      moves.push(...movedBy(line, overrides));
      yield { index: line.index, fate: entry.fate, statement: line.statement };
    }
  }
  return { stories: await storiesOf(told()), moves, byChange };
}

/** `overrides`: the intents so far, to which this line may add its own. */
function movedBy(
  { fate, statement, changeId, index }: LogLine,
  overrides: Map<string, OverrideIntentPredicate>,
): CommittedMove[] {
  if (fate !== 'honoured' || statement === null || changeId === null) return [];
  if (statement.type === 'override-intent') overrides.set(changeId, statement.predicate);
  const moves = madeLive(statement, overrides, [])?.moves ?? [];
  return moves.map(({ resource }) => ({ resource, changeId, index }));
}

/** All at once: while the engine is away each answer takes as long as a person is kept waiting. */
async function openStatuses(
  { engine }: AssessorParts,
  state: LogState,
  byChange: Read['byChange'],
): Promise<{ statuses: ChangeStatus[]; engineAway: string | null }> {
  const open = Object.values(state.changes).toSorted((a, b) => a.request.index - b.request.index);
  let engineAway: string | null = null;
  const statuses = await Promise.all(
    open.map(async ({ changeId }): Promise<ChangeStatus[]> => {
      try {
        return [await engine.status(changeId)];
      } catch (error) {
        if (!(error instanceof DomainError) || (error.code !== 'NOT_FOUND' && error.kind !== 'unavailable'))
          throw error;
        if (error.kind === 'unavailable') engineAway = error.message;
        return recorded(byChange.get(changeId) ?? [], error);
      }
    }),
  );
  return { statuses: statuses.flat(), engineAway };
}

/** What the log alone knows of a change, and why nobody knows more. */
function recorded(lines: readonly LogLine[], error: DomainError): ChangeStatus[] {
  const known = statusFromLog(lines);
  if (known === null) return [];
  const { requestDigest: _, ...status } = known;
  const [request] = lines.flatMap(({ statement }) => (statement?.type === 'request' ? [statement] : []));
  const resources = request?.predicate.resources ?? status.resources;
  const waitingFor =
    error.code === 'NOT_FOUND'
      ? {
          what: 'its start: the engine does not run it',
          who: `anybody: resilience-ctl submit --resume ${status.changeId}`,
        }
      : { what: 'the engine', who: 'whoever runs Temporal and the orchestrator' };
  return [{ ...status, resources, waitingFor }];
}
