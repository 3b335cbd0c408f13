import type { ConsumerReport } from '../../domain/canary/consumer-report.ts';
import type { HealthSample } from './control-plane-client.ts';

export type Window = Pick<
  ConsumerReport,
  'samples' | 'errors' | 'latencyP50Ms' | 'latencyP99Ms' | 'from' | 'to'
>;

/** Latencies of a window that quantiles are taken from: the latest ones. */
const MAX_LATENCIES = 1_024;

/** Sums up samples from one cut to the next. Times are in milliseconds since the epoch. */
export class HealthWindow {
  #fromMs: number;
  #samples = 0;
  #errors = 0;
  #latenciesMs: number[] = [];

  constructor(nowMs: number) {
    this.#fromMs = nowMs;
  }

  add({ ok, latencyMs }: HealthSample): void {
    if (Number.isFinite(latencyMs)) {
      this.#latenciesMs[this.#samples % MAX_LATENCIES] = Math.max(0, latencyMs);
    }
    this.#samples += 1;
    if (!ok) this.#errors += 1;
  }

  /**
   * What came since the last cut; null when that is no time and no sample. Windows never overlap: where the clock has
   * not moved, or went back, one ends a millisecond after it began.
   */
  cut(nowMs: number): Window | null {
    if (nowMs <= this.#fromMs && this.#samples === 0) return null;
    const toMs = Math.max(nowMs, this.#fromMs + 1);
    const sorted = this.#latenciesMs.filter((one) => one !== undefined).sort((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
    const window = {
      samples: this.#samples,
      errors: this.#errors,
      latencyP50Ms: quantile(0.5),
      latencyP99Ms: quantile(0.99),
      from: new Date(this.#fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    };
    this.#fromMs = toMs;
    this.#samples = 0;
    this.#errors = 0;
    this.#latenciesMs = [];
    return window;
  }
}
