import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { stringify } from 'yaml';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';
import type { BadRequest } from './bad-requests.ts';
import { jsonLines, type Ran, runHere } from './command-line.ts';
import { errorAnswer } from './json-answers.ts';

/** One person's desk: the command line in process, and a file to write requests into. */
export function createDesk(home: string, folder: string) {
  const here = (...args: string[]) => runHere(home, args);

  function file(content: BadRequest | string): string {
    const path = join(folder, 'request.yaml');
    writeFileSync(path, typeof content === 'string' ? content : requestText(content));
    return path;
  }

  async function submit(request: BadRequest): Promise<string> {
    const ran = await here('submit', file(request), '--as', 'alice', '--json');
    expect(ran).toMatchObject({ status: 0 });
    return (jsonLines(ran)[0] as { changeId: string }).changeId;
  }

  async function until(changeId: string, reached: (status: ChangeStatus) => boolean): Promise<ChangeStatus> {
    return vi.waitUntil(
      async () => {
        const status = jsonLines(await here('status', changeId, '--json'))[0] as ChangeStatus;
        return reached(status) ? status : undefined;
      },
      { timeout: 40_000, interval: 100 },
    );
  }

  return { here, file, submit, until };
}

export const inApproval = ({ phase, waitingFor }: ChangeStatus): boolean =>
  phase === 'approval' && waitingFor !== null;

export function requestText({ extra, ...spec }: BadRequest): string {
  return stringify({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: 'demo', reason: 'To show what is refused' },
    spec: { ...spec, ...extra },
  });
}

/** A remedy that is worth reading. */
export const ADVICE = /\w+ \w+/;

/** The error that a command ended with; it says what to do next. */
export function refusal(ran: Ran, status: number, code: ErrorCode) {
  expect(ran.status, ran.stdout + ran.stderr).toBe(status);
  const { error } = errorAnswer.parse(jsonLines(ran).at(-1));
  expect(error.code).toBe(code);
  expect(error.next, 'what to do next').toMatch(ADVICE);
  return error;
}
