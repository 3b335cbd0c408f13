import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { signDecision } from '../../activities/sign-decision.ts';
import { openEnvelope } from '../../domain/evidence/statement-codec.ts';
import type { MadeBy, Predicates } from '../../domain/evidence/statements.ts';
import { entryKey } from '../../domain/log/entry.ts';
import { installedBuild } from '../../worker/installed-build.ts';
import { madeBy } from '../../worker/made-by.ts';
import { SAMPLES, signerOf } from '../support/sample-log.ts';

describe('a decision says by what it was made', () => {
  test('the version with the digest of its code, and the digest of its rules', () => {
    expect(installedBuild()).toEqual({
      build: expect.stringMatching(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/),
      rules: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(madeBy()).toEqual(installedBuild());
  });

  test('the run that asked for it, in an activity', async () => {
    const environment = new MockActivityEnvironment({
      workflowExecution: { workflowId: 'chg-1', runId: 'run-1' },
      activityId: '7',
    });
    const made: MadeBy = await environment.run(async () => madeBy());
    expect(made).toEqual({
      ...installedBuild(),
      run: { workflowId: 'chg-1', runId: 'run-1', activityId: '7' },
    });
  });

  test('signed with it, and the same decision by another build has the same key', async () => {
    const ports = { signer: signerOf('orchestrator'), madeBy };
    const { predicate } = openEnvelope(await signDecision(ports, 'intent', SAMPLES.intent));
    expect(predicate).toEqual({ ...SAMPLES.intent, madeBy: installedBuild() });
    expect(entryKey('intent', predicate as Predicates['intent'])).toBe(entryKey('intent', SAMPLES.intent));
  });
});
