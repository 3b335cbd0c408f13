import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { replayHistory } from '../../worker/replay-history.ts';
import { loadWorkflowBundle } from '../../worker/role-worker.ts';

/** What changes under way have written with earlier builds, this build must be able to take up. See `record.ts`. */
const FOLDER = new URL('histories/', import.meta.url);
const NAMES = ['committed', 'continued-as-new', 'held-then-aborted', 'rejected', 'rolled-back'];

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
const workflowBundle = await loadWorkflowBundle();

function textOf(name: string): string {
  return readFileSync(new URL(`${name}.json`, FOLDER), 'utf8');
}

function changeOf([started]: unknown[]): string {
  const { workflowExecutionStartedEventAttributes: asked } = started as {
    workflowExecutionStartedEventAttributes: { input: { payloads: { data: string }[] } };
  };
  const input = Buffer.from(asked.input.payloads[0]?.data ?? '', 'base64').toString('utf8');
  return (JSON.parse(input) as { changeId: string }).changeId;
}

function replay(history: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle }, JSON.parse(history), 'recorded');
}

describe('recorded histories', () => {
  it('are all here', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(NAMES.map((name) => `${name}.json`));
  });

  it.each(NAMES)('%s replays on this build', async (name) => {
    await replay(textOf(name));
  });

  it.each(NAMES)('%s names no machine, user or file', (name) => {
    const text = textOf(name);
    const payloads = [...text.matchAll(/"data": "([^"]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString('utf8'),
    );
    for (const one of [text.replaceAll(/"(data|nextPageToken)": "[^"]+"/g, ''), ...payloads]) {
      expect(one).not.toContain(hostname() || 'no host name');
      expect(one).not.toMatch(/\d+@\w|file:\/\/|\/(home|root|tmp|work|Users)\//);
    }
  });

  it('that were tampered with are refused', async () => {
    const tampered = textOf('committed').replaceAll('"applyStage"', '"commit"');
    expect(tampered).not.toBe(textOf('committed'));
    await expect(replay(tampered)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});

describe("an auditor's replay", () => {
  const events: unknown[] = JSON.parse(textOf('committed')).events;
  const changeId = changeOf(events);

  it('is the same for the change that the history is of', async () => {
    expect(await replayHistory({ runId: 'recorded', history: { events } }, changeId)).toBeNull();
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /no history/],
    ['of another shape', { events: 'none' }, /no history/],
    ['empty', { events: [] }, /the history of no change/],
    [
      'of events without attributes',
      { events: [{ eventId: '1' }] },
      /no history: Missing attributes|no history/,
    ],
    ['without its beginning', { events: events.slice(1) }, /the history of no change/],
    ['cut off at its beginning', { events: events.slice(0, 1) }, /cut off/],
    ['without one event', { events: events.toSpliced(10, 1) }, /out of order/],
  ])('says of a history that is %s what is wrong with it', async (_, history, why) => {
    expect(await replayHistory({ runId: 'recorded', history }, changeId)).toMatch(why);
  });

  it("does not take another change's history for this one's", async () => {
    const history = JSON.parse(textOf('rejected'));
    expect(await replayHistory({ runId: 'recorded', history }, changeId)).toMatch(/it is the history of /);
  });

  it('finds the step that went another way', async () => {
    const history = JSON.parse(textOf('committed').replaceAll('"applyStage"', '"commit"'));
    expect(await replayHistory({ runId: 'recorded', history }, changeId)).toContain('commit');
  });
});
