import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from './command-line.ts';

/** The rules that a request for DNS records can break, and for each a request that does. */

export interface BadRequest {
  operations: unknown[];
  base?: Record<string, string | null>;
  dependsOn?: string[];
  clock?: number;
  rollout?: Record<string, unknown>;
  /** Stray fields beside these. */
  extra?: Record<string, unknown>;
}

/** What the environment of these requests has; `dep` was made by a change that depends on `auth`. */
export const NEEDED = { dependent: 'dns/example.com/dep/A', needed: 'dns/example.com/auth/A' } as const;
export const OPAQUE = 'dns/example.com/legacy/A';
export const SMALL_ZONE = 'small.test';

const probe = { port: 8080, host: 'api.example.com' };
const at = (name: string) => `dns/example.com/${name}`;
const set = (name: string, ...values: string[]) => ({ set: at(name), body: { ttl: 0, values } });
const weighted = (name: string, ...members: [id: string, weight: number, ...values: string[]][]) => ({
  set: at(name),
  body: { ttl: 0, weighted: members.map(([id, weight, ...values]) => ({ id, weight, values })) },
});
const canary = { probe };

/** By rule; `plan` must name at least this rule. */
export const BAD_REQUESTS: Readonly<Record<string, BadRequest>> = {
  // The request's own shape.
  'unknown-field': { operations: [set('new/A', '127.0.0.1')], extra: { colour: 'red' } },
  'one-operation-a-resource': { operations: [set('new/A', '127.0.0.1'), { remove: at('new/A') }] },
  'stages-ascend-to-100': {
    operations: [set('api/A', '127.0.0.2')],
    rollout: { stages: [50, 10], ...canary },
  },
  'stages-need-weights': { operations: [set('new/TXT', 'x')], rollout: { stages: [10, 100] } },
  // What it was made against.
  'base-is-live': {
    operations: [set('api/A', '127.0.0.2')],
    base: { [at('api/A')]: `sha256:${'0'.repeat(64)}` },
    rollout: canary,
  },
  'dependency-exists': {
    operations: [set('new/A', '127.0.0.1')],
    dependsOn: [at('nobody/A'), 'change/chg-nobody'],
  },
  'clock-not-behind': { operations: [set('dep/A', '127.0.0.2')], clock: 0, rollout: canary },
  'no-cycle': { operations: [set('auth/A', '127.0.0.2')], dependsOn: [NEEDED.dependent], rollout: canary },
  'still-needed': { operations: [{ remove: NEEDED.needed }] },
  'dependents-stay': { operations: [{ remove: NEEDED.needed }] },
  // Its plan.
  'nothing-to-change': { operations: [set('api/A', '127.0.0.1')] },
  'one-zone': {
    operations: [
      set('new/A', '127.0.0.1'),
      { set: `dns/${SMALL_ZONE}/new/A`, body: { ttl: 0, values: ['127.0.0.1'] } },
    ],
  },
  'share-is-exact': {
    operations: [weighted('api/A', ['one', 97, '127.0.0.2'], ['two', 89, '127.0.0.3'])],
    rollout: { stages: [1, 100], ...canary },
  },
  'probe-missing': { operations: [set('api/A', '127.0.0.2')] },
  'probe-allow-list': { operations: [set('api/A', '192.0.2.1')], rollout: canary },
  // What it declares.
  'record-syntax': { operations: [set('new/A', '127.0.0.300')] },
  'values-unique': { operations: [set('new/A', '127.0.0.1', '127.0.0.1')] },
  'ttl-range': { operations: [{ set: at('new/A'), body: { ttl: 90_000, values: ['127.0.0.1'] } }] },
  'set-identifier-unique': {
    operations: [weighted('new/A', ['one', 1, '127.0.0.1'], ['one', 2, '127.0.0.2'])],
  },
  'arm-name-reserved': { operations: [weighted('new/A', ['canary', 1, '127.0.0.1'])] },
  // The zone that would exist.
  'set-identifier-length': {
    operations: [weighted('api/A', ['x'.repeat(125), 1, '127.0.0.2'])],
    rollout: { stages: [50, 100], ...canary },
  },
  'weight-range': { operations: [weighted('new/A', ['one', 256, '127.0.0.1'])] },
  'weights-not-all-zero': { operations: [weighted('new/A', ['one', 0, '127.0.0.1'])] },
  'weightable-type': { operations: [weighted('new/TXT', ['one', 1, 'x'])] },
  'opaque-beside': { operations: [{ set: OPAQUE, body: { ttl: 0, values: ['127.0.0.1'] } }] },
  'cname-alone': { operations: [set('api/CNAME', 'static.example.com')] },
  'cname-not-at-apex': { operations: [set('@/CNAME', 'static.example.com')] },
  'cname-single': { operations: [set('new/CNAME', 'static.example.com', 'api.example.com')] },
  'reference-answers': { operations: [{ remove: at('mail/A') }] },
  // How much of it would change.
  'never-all-targets': { operations: [set('api/A', '127.0.0.2')], rollout: { stages: [100], ...canary } },
  'zone-share': {
    operations: ['api', 'auth', 'db', 'mail', 'status', 'static'].map((label) =>
      set(`${label}/A`, '127.0.0.2'),
    ),
    rollout: canary,
  },
  'never-all-records': {
    operations: ['one', 'two'].map((label) => ({ remove: `dns/${SMALL_ZONE}/${label}/A` })),
  },
  'batch-size': {
    operations: [
      set(
        'new/A',
        ...Array.from({ length: 1001 }, (_, index) => `10.0.${Math.floor(index / 250)}.${index % 250}`),
      ),
    ],
  },
};

/** A plan made from a request never breaks these; test/unit/judge-plan.test.ts shows a forged plan that does. */
export const RULES_FOR_FORGED_PLANS = [
  'changes-apply',
  'fence-untouched',
  'never-empty',
  'one-ttl-a-group',
  'own-records-only',
  'stages-as-declared',
  'weighted-beside-simple',
];

const SOURCES = [
  'domain/invariants/*.ts',
  'domain/causality/judge-causality.ts',
  'domain/change/{build-plan,probe-targets}.ts',
];
/** These judge documents. */
const OTHER_SOURCES = ['domain/invariants/*{config,document,schema}*.ts'];
const NAMED = /\b(?:rule: (?:fence \? )?|(?:add|tooMuch)\(\s*)'([a-z]+-[a-z-]+)'(?: : '([a-z-]+)')?/g;

/** The names of all rules that these sources judge DNS records by. */
export function rulesInSources(): string[] {
  const names = globSync(SOURCES, { cwd: CHECKOUT, exclude: OTHER_SOURCES }).flatMap((file) =>
    [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(NAMED)].flatMap(([, one, other]) =>
      other === undefined ? [one ?? ''] : [one ?? '', other],
    ),
  );
  return [...new Set(names)].sort();
}
