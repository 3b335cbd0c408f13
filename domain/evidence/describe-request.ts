import { type ChangeRequest, resourceOf } from '../change/request.ts';
import type { RequestPredicate } from './statements.ts';

/** What a request statement repeats of the body that it names: the only facts that the log has before the plan. */
export function describeRequest({
  metadata,
  spec,
}: ChangeRequest): Pick<RequestPredicate, 'resources' | 'dependsOn' | 'emergency'> {
  return {
    resources: spec.operations.map(resourceOf),
    dependsOn: spec.dependsOn,
    emergency: metadata.emergency,
  };
}
