import { resourceOf } from '../domain/change/request.ts';
import { documentKindOf } from '../domain/kinds/documents.ts';
import type { LogState } from '../domain/log/state.ts';
import { planZone } from './dns/plan-zone.ts';
import { planDocuments } from './documents/plan-documents.ts';
import type { Planned, PlanningInput, PlanningPorts } from './planned.ts';

/**
 * Reads the target and plans the request against it: the same for the orchestrator, for each voter, and for the
 * author's preview. One change has one target; a batch that mixes them is refused by whichever plans it.
 */
export function planHere(ports: PlanningPorts, change: PlanningInput, state: LogState): Promise<Planned> {
  const [first] = change.request.spec.operations;
  const isDocument = first !== undefined && documentKindOf(resourceOf(first)) !== null;
  return isDocument ? planDocuments(ports, change, state) : planZone(ports, change, state);
}
