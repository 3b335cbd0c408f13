import type { LogState } from '../domain/log/state.ts';
import type { ChangeSummary } from './control-plane.ts';

/** Every change that the log knows, in the order of the entry that says where it stands. */
export function summaries(state: LogState): ChangeSummary[] {
  const overrides = Object.values(state.overrides);
  const reviewed = overrides
    .filter(({ review }) => review === null)
    .map(
      ({ intent, said }): ChangeSummary => ({
        changeId: intent.changeId,
        author: said.author,
        state: 'in-review',
        resources: intent.resources.map(({ resource }) => resource),
        index: intent.index,
      }),
    );
  const inReview = new Set(reviewed.map(({ changeId }) => changeId));
  const open = Object.values(state.changes).map(
    (change): ChangeSummary => ({
      changeId: change.changeId,
      author: change.request.author,
      state: 'open',
      resources: change.plan?.resources ?? [],
      index: change.request.index,
    }),
  );
  const ended = Object.entries(state.ended)
    .filter(([changeId]) => !inReview.has(changeId))
    .map(
      ([changeId, { status, index }]): ChangeSummary => ({
        changeId,
        author: null,
        state: status,
        resources: [],
        index,
      }),
    );
  return [...open, ...reviewed, ...ended].sort((a, b) => a.index - b.index);
}
