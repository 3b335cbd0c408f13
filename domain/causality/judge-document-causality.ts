import type { DocumentPlan } from '../change/document-plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { LogState } from '../log/state.ts';
import type { VectorClock } from './vector-clock.ts';

export interface DocumentCausalityInput {
  changeId: string;
  request: ChangeRequest;
  /** Made from `request` and `state`. */
  plan: DocumentPlan;
  state: LogState;
  /** `LogState.clock` of the state that the author looked at; null when the request does not say. */
  seen: VectorClock | null;
  /** Parsed bodies by digest: the author's base, the targets and what is live. One that is missing is only not shown. */
  bodies: ReadonlyMap<Digest, unknown>;
}

export function judgeDocumentCausality(input: DocumentCausalityInput): Violation[] {
  throw new Error(`not written yet ${input.changeId}`);
}
