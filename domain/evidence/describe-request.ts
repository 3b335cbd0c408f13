import { type ChangeRequest, resourceOf } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import { canonicalText } from './canonical-json.ts';
import type { RequestPredicate } from './statements.ts';

type Description = Pick<RequestPredicate, 'resources' | 'dependsOn' | 'emergency'>;

/** What a request statement repeats of the body that it names: the only facts that the log has before the plan. */
export function describeRequest({ metadata, spec }: ChangeRequest): Description {
  return {
    resources: spec.operations.map(resourceOf),
    dependsOn: spec.dependsOn,
    emergency: metadata.emergency,
  };
}

/** Whether the signed description is that of the body: the log queues changes by it before anybody reads the body. */
export function judgeDescription(said: Description, request: ChangeRequest): Violation[] {
  const [signed, body] = [inWords(said), inWords(describeRequest(request))];
  if (signed === body) return [];
  return [
    {
      code: 'SIGNATURE_INVALID',
      rule: 'request-as-described',
      message: `The author signed ${signed}; the request's body says ${body}.`,
      remedy: 'Submit the request again: submit makes the statement from the body.',
    },
  ];
}

function inWords({ resources, dependsOn, emergency }: Description): string {
  return canonicalText({ resources, dependsOn, emergency });
}
