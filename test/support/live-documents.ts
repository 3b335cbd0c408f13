import { fileURLToPath } from 'node:url';
import { readRequestFile } from '../../client/request-file.ts';
import { type ChangeRequest, parseChangeRequest } from '../../domain/change/request.ts';
import type { ChangeResult } from '../../workflows/contract.ts';
import type { LiveEnvironment } from './live-environment.ts';

/** Long enough for every consumer of the tests to see an exposure and to report about it. */
export const BAKE_SECONDS = 2;

/** A change of `examples/documents`, for the environment of a test, with shorter bakes and fewer stages. */
export function exampleRequest(env: LiveEnvironment, file: string): ChangeRequest {
  const url = new URL(`../../examples/documents/${file}.yaml`, import.meta.url);
  const { metadata, spec, ...rest } = readRequestFile(fileURLToPath(url)).request;
  const { stages, ...rollout } = spec.rollout;
  return parseChangeRequest({
    ...rest,
    metadata: { ...metadata, environment: env.name },
    spec: {
      ...spec,
      rollout: {
        ...rollout,
        bakeSeconds: BAKE_SECONDS,
        minimumSamples: 5,
        ...(rollout.strategy === 'consumers' ? { stages: [50, 100] } : {}),
      },
    },
  });
}

/** A change of documents, as `exampleRequest` makes it. */
export function documentRequest(env: LiveEnvironment, spec: object): ChangeRequest {
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: env.name, reason: 'Prove how documents travel' },
    spec,
  });
}

/** Alice submits, as many people approve as are asked for, the workflow ends. */
export async function runDocuments(
  env: LiveEnvironment,
  changeId: string,
  request: ChangeRequest,
): Promise<ChangeResult> {
  await env.controlPlane.submit(changeId, request, env.person('alice'));
  await approveAll(env, changeId);
  return env.ended(changeId);
}

export async function approveAll(env: LiveEnvironment, changeId: string): Promise<void> {
  const { approvalsNeeded } = await env.until(changeId, ({ phase }) => phase === 'approval');
  for (const approver of ['bob', 'carol'].slice(0, approvalsNeeded)) await env.approve(changeId, approver);
}
