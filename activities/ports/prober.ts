import type { Probe } from '../../domain/change/request.ts';

export interface ProbeSample {
  ok: boolean;
  latencyMs: number;
  /** Why not, when not ok. */
  detail?: string;
}

/** Asks one target whether it works. Never throws for a target's fault: that is a sample with `ok: false`. */
export interface Prober {
  probe(target: Probe, address: string): Promise<ProbeSample>;
}
