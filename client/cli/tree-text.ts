import { dependencyTarget } from '../../domain/causality/dependency.ts';
import { dependentsIndex } from '../../domain/causality/dependency-graph.ts';
import type { StoredVersion } from '../store.ts';
import { versionName } from './store-text.ts';
import type { Style } from './style.ts';

/** A live resource and its neighbours. */
export interface TreeNode {
  resource: string;
  version: string | null;
  /** With ranges, as they are declared. */
  dependsOn: string[];
  /** Live resources that depend on it. */
  dependents: readonly string[];
}

export interface Tree {
  /** By name, sorted. */
  nodes: TreeNode[];
  text: string;
}

interface Twig {
  label: string;
  to: string;
}

type Twigs = (resource: string) => Twig[];

/**
 * What one live resource needs and is needed by, or with null what everything needs, from those that nothing needs.
 * A resource that comes up again, in a cycle or by a second way, is named and not followed again.
 */
export function dependencyTree(
  versions: readonly StoredVersion[],
  resource: string | null,
  style: Style,
): Tree {
  const live = new Map(versions.map((one) => [one.resource, one]));
  const index = dependentsIndex(Object.fromEntries(live));
  const dependentsOf = (name: string) => index.get(name) ?? [];
  const needs: Twigs = (name) =>
    (live.get(name)?.dependsOn ?? []).map((dependency) => {
      const to = dependencyTarget(dependency);
      return { to, label: `${dependency}${remark(to, live.get(to))}` };
    });
  const neededBy: Twigs = (name) =>
    dependentsOf(name).flatMap((to) => {
      const dependent = live.get(to);
      return dependent ? { to, label: versionName(dependent) } : [];
    });

  const seen = new Set<string>();
  const lines: string[] = [];
  const describe = (version: StoredVersion) => style('bold', versionName(version));
  if (resource === null) {
    const roots = versions.filter((one) => dependentsOf(one.resource).length === 0);
    for (const root of [...roots, ...versions]) {
      // Of what only depends on itself in a circle nothing is a root: the first by name stands for it.
      if (!seen.has(root.resource)) lines.push(describe(root), ...branches(root.resource, needs, seen));
    }
  } else {
    lines.push(...versions.filter((one) => one.resource === resource).map(describe));
    const above = new Set<string>();
    for (const [title, twigs, found] of [
      ['needs', needs, seen],
      ['is needed by', neededBy, above],
    ] as const) {
      const grown = branches(resource, twigs, found);
      lines.push(...(grown.length === 0 ? [`${title} nothing`] : [title, ...grown]));
    }
    for (const name of above) seen.add(name);
  }
  const nodes = versions
    .filter((one) => seen.has(one.resource))
    .map(({ resource, version, dependsOn }) => ({
      resource,
      version,
      dependsOn,
      dependents: dependentsOf(resource),
    }));
  return { nodes, text: lines.map((line) => `${line}\n`).join('') };
}

/** Depth first with its own stack, so that no chain of resources overflows the call stack. */
function branches(root: string, twigsOf: Twigs, seen: Set<string>): string[] {
  const lines: string[] = [];
  const grow = (from: string, indent: string) =>
    twigsOf(from)
      .map((twig, i, all) => ({ ...twig, indent, last: i === all.length - 1 }))
      .reverse();
  seen.add(root);
  const open = grow(root, '');
  for (let twig = open.pop(); twig !== undefined; twig = open.pop()) {
    const { label, to, indent, last } = twig;
    const below = twigsOf(to).length > 0;
    lines.push(`${indent}${last ? '└── ' : '├── '}${label}${seen.has(to) && below ? ' (see above)' : ''}`);
    if (!seen.has(to)) open.push(...grow(to, `${indent}${last ? '    ' : '│   '}`));
    seen.add(to);
  }
  return lines;
}

function remark(target: string, version: StoredVersion | undefined): string {
  if (target.startsWith('change/')) return '';
  if (version) return version.version === null ? '' : ` → ${version.version}`;
  return target.startsWith('dns/') ? ' (not governed yet)' : ' (not live)';
}
