import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { loadWorkflowBundle } from '../../worker/role-worker.ts';

/** What changes under way have written with earlier builds, this build must be able to take up. See `record.ts`. */
const FOLDER = new URL('histories/', import.meta.url);
const NAMES = ['committed', 'continued-as-new', 'held-then-aborted', 'rejected', 'rolled-back'];

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
const workflowBundle = await loadWorkflowBundle();

function textOf(name: string): string {
  return readFileSync(new URL(`${name}.json`, FOLDER), 'utf8');
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
