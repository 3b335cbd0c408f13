import { describe, expect, test } from 'vitest';
import type { ChangeHistory } from '../../activities/ports/history-archive.ts';
import type { LogState } from '../../domain/log/state.ts';
import { createHistoryArchiver } from '../../worker/archive-histories.ts';

const RUN: ChangeHistory = { runId: 'run-1', history: { events: [] } };

type Answer = ChangeHistory[] | 'open' | 'forgotten' | Error;

/** Two changes have ended; `answers` is what the engine says of each, and may be changed between rounds. */
function scene(answers: Record<string, Answer>) {
  const kept = new Map<string, readonly ChangeHistory[]>();
  const asked: string[] = [];
  const ended = { 'chg-a': { status: 'committed', index: 3 }, 'chg-b': { status: 'aborted', index: 5 } };
  const archiver = () =>
    createHistoryArchiver({
      log: { sync: async () => ({ ended }) as unknown as LogState },
      archive: {
        changes: async () => new Set(kept.keys()),
        put: async (changeId, runs) => void kept.set(changeId, runs),
        get: async (changeId) => [...(kept.get(changeId) ?? [])],
      },
      runsOf: async (changeId) => {
        asked.push(changeId);
        const answer = answers[changeId] ?? 'forgotten';
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
  return { archiver, kept, asked };
}

describe('histories of changes that have ended', () => {
  test('are kept once, also by a process that started anew', async () => {
    const { archiver, kept, asked } = scene({ 'chg-a': [RUN], 'chg-b': [RUN, { ...RUN, runId: 'run-2' }] });
    const archive = archiver();
    expect(await archive()).toEqual(['chg-a', 'chg-b']);
    expect(await archive()).toEqual([]);
    expect(await archiver()()).toEqual([]);
    expect(asked).toEqual(['chg-a', 'chg-b']);
    expect(kept.get('chg-b')?.map(({ runId }) => runId)).toEqual(['run-1', 'run-2']);
  });

  test('are waited for while the workflow has not closed', async () => {
    const answers: Record<string, Answer> = { 'chg-a': 'open', 'chg-b': [RUN] };
    const { archiver } = scene(answers);
    const archive = archiver();
    expect(await archive()).toEqual(['chg-b']);
    answers['chg-a'] = [RUN];
    expect(await archive()).toEqual(['chg-a']);
  });

  test('are not asked for again once the engine has forgotten them', async () => {
    const { archiver, asked, kept } = scene({});
    const archive = archiver();
    await archive();
    await archive();
    expect(asked).toEqual(['chg-a', 'chg-b']);
    expect(kept.size).toBe(0);
  });

  test('are asked for again after a failure, from where it stopped', async () => {
    const answers: Record<string, Answer> = { 'chg-a': [RUN], 'chg-b': new Error('no answer') };
    const { archiver } = scene(answers);
    const archive = archiver();
    await expect(archive()).rejects.toThrow('no answer');
    answers['chg-b'] = [RUN];
    expect(await archive()).toEqual(['chg-b']);
  });
});
