import { describe, expect, it } from 'vitest';
import { HealthWindow } from '../../../client/sdk/health.ts';

const AT_MS = Date.parse('2026-01-01T00:00:00.000Z');

describe('a window of health', () => {
  it('sums up what came since the last cut, and forgets it', () => {
    const window = new HealthWindow(AT_MS);
    for (let i = 1; i <= 100; i += 1) window.add({ ok: i % 10 !== 0, latencyMs: i });
    expect(window.cut(AT_MS + 1000)).toEqual({
      samples: 100,
      errors: 10,
      latencyP50Ms: 50,
      latencyP99Ms: 99,
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-01T00:00:01.000Z',
    });
    expect(window.cut(AT_MS + 2000)).toMatchObject({
      samples: 0,
      latencyP99Ms: 0,
      from: '2026-01-01T00:00:01.000Z',
    });
  });

  it('loses no sample where the clock has not moved or went back, and never overlaps', () => {
    const window = new HealthWindow(AT_MS);
    expect(window.cut(AT_MS)).toBeNull();
    window.add({ ok: true, latencyMs: 1 });
    expect(window.cut(AT_MS)).toMatchObject({ samples: 1, to: '2026-01-01T00:00:00.001Z' });
    window.add({ ok: true, latencyMs: 1 });
    expect(window.cut(AT_MS - 500)).toMatchObject({
      samples: 1,
      from: '2026-01-01T00:00:00.001Z',
      to: '2026-01-01T00:00:00.002Z',
    });
  });

  it('takes quantiles from the latest latencies alone, and none from what is no number', () => {
    const window = new HealthWindow(AT_MS);
    for (let i = 0; i < 5_000; i += 1) window.add({ ok: true, latencyMs: i < 3_000 ? 1_000 : 2 });
    window.add({ ok: true, latencyMs: Number.NaN });
    window.add({ ok: true, latencyMs: -1 });
    expect(window.cut(AT_MS + 1)).toMatchObject({ samples: 5_002, latencyP50Ms: 2, latencyP99Ms: 2 });
    window.add({ ok: true, latencyMs: Number.NaN });
    expect(window.cut(AT_MS + 2)).toMatchObject({ samples: 1, latencyP50Ms: 0, latencyP99Ms: 0 });
  });
});
