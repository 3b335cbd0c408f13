import type { TakenSnapshot } from '../activities/role-ports.ts';
import { orchestrator } from './activities.ts';

/**
 * A person's wish for a snapshot. It carries nothing: the orchestrator decides what is in it and signs it, as it does
 * by itself every thousand entries, so whoever may start this workflow gets a true one or none.
 */
export async function snapshot(): Promise<TakenSnapshot> {
  return orchestrator.takeSnapshot();
}
