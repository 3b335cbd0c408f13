import type { LifecycleEvent } from '../../domain/change/lifecycle.ts';
import type { Stopped } from '../change-run.ts';

/** How a phase ends: with an event of the lifecycle, or interrupted. */
export type PhaseOutcome = LifecycleEvent | Stopped;
