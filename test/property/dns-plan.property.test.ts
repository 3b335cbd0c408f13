import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { judgePlan } from '../../domain/invariants/judge-plan.ts';
import {
  applyChanges,
  canonicalRecordSet,
  compareRecordSets,
  diffGroups,
  groupIn,
} from '../../domain/kinds/dns.ts';
import { type RecordSet, WEIGHTABLE_TYPES, type ZoneState } from '../../domain/kinds/dns-records.ts';
import { armOf, liveTargets, stageArms } from '../../domain/kinds/dns-weights.ts';
import { NOW_MS, POLICY, planScene, record, remove, set, setWeighted, zoneOf } from '../support/dns-plans.ts';

const LABELS = ['@', 'api', 'www', 'mail', 'a.b'];
const TYPES = ['A', 'AAAA', 'CNAME', 'TXT', 'MX'] as const;

const host = fc.nat(20);
const ttl = fc.nat(600);
const label = fc.constantFrom(...LABELS);
const type = fc.constantFrom(...TYPES);

function valueFor(kind: (typeof TYPES)[number], n: number): string {
  return {
    A: `192.0.2.${n}`,
    AAAA: `2001:db8::${n}`,
    CNAME: `h${n}.test`,
    TXT: `text ${n}`,
    MX: `${n} mx.test`,
  }[kind];
}

/** The record sets of one resource: simple, or weighted where that is possible. */
const group = fc
  .record({
    label,
    type,
    ttl,
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
    weights: fc.option(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 })),
  })
  .map(({ label: where, type: kind, ttl: ttlSeconds, hosts, weights }): RecordSet[] => {
    const values = (kind === 'CNAME' ? hosts.slice(0, 1) : hosts).map((n) => valueFor(kind, n));
    if (weights === null || !WEIGHTABLE_TYPES.includes(kind))
      return [record(where, kind, values, { ttlSeconds })];
    return values.map((value, index) =>
      record(where, kind, [value], { ttlSeconds, setIdentifier: `m${index}`, weight: weights[index] ?? 1 }),
    );
  })
  .map((sets) => sets.map(canonicalRecordSet));

const keyOf = (sets: RecordSet[]) => `${sets[0]?.name} ${sets[0]?.type}`;
const zone = fc
  .uniqueArray(group, { maxLength: 12, selector: keyOf })
  .map((groups): ZoneState => zoneOf(groups.flat()));

const operation = fc.oneof(
  fc
    .record({ label, type, ttl, n: host })
    .map((one) => set(one.label, one.type, [valueFor(one.type, one.n)], one.ttl)),
  fc
    .record({
      label,
      type: fc.constantFrom('A' as const, 'AAAA' as const),
      n: host,
      m: host,
      w: fc.integer({ min: 0, max: 5 }),
    })
    .map((one) =>
      setWeighted(one.label, one.type, {
        x: [one.w, valueFor(one.type, one.n)],
        y: [2, valueFor(one.type, one.m)],
      }),
    ),
  fc.record({ label, type }).map((one) => remove(one.label, one.type)),
);
const subject = (one: object) => ('set' in one ? one.set : 'remove' in one ? one.remove : null);
const operations = fc.uniqueArray(operation, { minLength: 1, maxLength: 4, selector: subject });
const stages = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 3 })
  .map((shares) => [...shares.sort((a, b) => a - b), 100]);
const canHaveStages = (one: object) => 'set' in one && /\/(A|AAAA|CNAME)$/.test(String(one.set));
const scene = fc.record({ zone, operations, stages }).map(({ stages: shares, ...one }) => ({
  ...one,
  rollout: one.operations.some(canHaveStages) ? { stages: shares } : {},
}));

describe('a plan', () => {
  it('leads from the base through every stage to what is declared, and from every stage back', () => {
    fc.assert(
      fc.property(scene, (one) => {
        const { plan } = planScene(one);
        const base = [...one.zone.recordSets].sort(compareRecordSets);
        let now = base;
        for (const stage of plan?.stages ?? []) {
          const forward = applyChanges(now, stage.changes);
          expect(forward.refused).toEqual([]);
          now = forward.recordSets;
          expect(applyChanges(now, stage.inverse)).toEqual({ recordSets: base, refused: [] });
        }
        for (const resource of plan?.resources ?? []) {
          const set = resource.after[0] ?? resource.before[0];
          if (set !== undefined) expect(groupIn({ recordSets: now }, set)).toEqual(resource.after);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order in which the zone was listed', () => {
    fc.assert(
      fc.property(scene, fc.infiniteStream(fc.nat(1000)), (one, dice) => {
        const rank = new Map(one.zone.recordSets.map((set) => [set, dice.next().value ?? 0]));
        const shuffled = [...one.zone.recordSets]
          .sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
          .map((set) => ({ ...set, values: [...set.values].reverse() }));
        const again = planScene({ ...one, zone: { ...one.zone, recordSets: shuffled } });
        expect(digestOf(again)).toBe(digestOf(planScene(one)));
      }),
      { numRuns: 200 },
    );
  });

  it('that the judge accepts never empties a set or silences one', () => {
    let accepted = 0;
    fc.assert(
      fc.property(scene, (one) => {
        const { plan } = planScene(one);
        if (plan === null) return;
        const facts = { zone: one.zone, live: {}, recentCommits: [], policy: POLICY, nowMs: NOW_MS };
        if (judgePlan(plan, facts).length > 0) return;
        accepted += 1;
        let now = [...one.zone.recordSets];
        for (const stage of plan.stages) {
          const next = applyChanges(now, stage.changes).recordSets;
          expect(next.filter((set) => set.values.length === 0)).toEqual([]);
          expect(next.filter((set) => liveTargets(groupIn({ recordSets: next }, set)).size === 0)).toEqual(
            [],
          );
          now = next;
        }
        if (one.zone.recordSets.length > 0) expect(now.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

describe('the arms of a stage', () => {
  const weighted = fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 4 })
    .map((weights) =>
      weights.map((weight, n) => record('api', 'A', [`192.0.2.${n}`], { setIdentifier: `m${n}`, weight })),
    );
  const arm = fc.oneof(weighted, fc.constant<RecordSet[]>([record('api', 'A', ['192.0.2.9'])]));

  it('have the exact share, weights in range, and the ratio of their members, or do not exist', () => {
    fc.assert(
      fc.property(arm, arm, fc.integer({ min: 1, max: 100 }), (base, final, percent) => {
        const sets = stageArms(base, final, percent);
        if (sets === null) return;
        const sum = (wanted: 'stable' | 'canary') =>
          sets
            .filter((set) => armOf(set) === wanted)
            .reduce((total, set) => total + (set.weight ?? Number.NaN), 0);
        expect(sum('canary') * (100 - percent)).toBe(sum('stable') * percent);
        expect(sum('canary')).toBeGreaterThan(0);
        expect(sets.every(({ weight }) => Number.isInteger(weight) && (weight ?? -1) >= 0)).toBe(true);
        expect(Math.max(...sets.map((set) => set.weight ?? Number.NaN))).toBeLessThanOrEqual(255);
        const weightIn = (one: RecordSet) =>
          sets.find((set) => set.setIdentifier === `stable.${one.setIdentifier}`)?.weight ?? 0;
        for (const [a, b] of base.slice(1).map((one, index) => [one, base[index] ?? one] as const)) {
          expect(weightIn(a) * (b.weight ?? 0)).toBe(weightIn(b) * (a.weight ?? 0));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('exist at every whole percent between two simple sets', () => {
    const v1 = [record('api', 'A', ['192.0.2.1'])];
    const v2 = [record('api', 'A', ['192.0.2.2'])];
    for (let percent = 1; percent <= 100; percent += 1) {
      expect(stageArms(v1, v2, percent)?.map((set) => set.weight)).toEqual([percent, 100 - percent]);
    }
  });
});

it('diffGroups applies, and its opposite undoes it, for any two groups', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(group, { selector: keyOf }),
      fc.uniqueArray(group, { selector: keyOf }),
      (a, b) => {
        const [before, after] = [a.flat().sort(compareRecordSets), b.flat().sort(compareRecordSets)];
        expect(applyChanges(before, diffGroups(before, after))).toEqual({ recordSets: after, refused: [] });
        expect(applyChanges(after, diffGroups(after, before))).toEqual({ recordSets: before, refused: [] });
      },
    ),
  );
});
