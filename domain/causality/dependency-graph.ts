import type { LiveVersion } from '../log/state.ts';
import { dependencyTarget } from './dependency.ts';

type Node = Pick<LiveVersion, 'digest' | 'dependsOn'>;

/** Resources by name: `LogState.live` is one. */
export type Graph = Readonly<Record<string, Node>>;

/** Live resources that depend on this one, sorted; never the resource itself. Of many, ask `dependentsIndex`. */
export function dependentsOf(resource: string, live: Graph): string[] {
  return [...(dependentsIndex(live).get(resource) ?? [])];
}

/** Every resource that a live one depends on → the live resources that do, sorted; never itself. */
export function dependentsIndex(live: Graph): ReadonlyMap<string, readonly string[]> {
  return new Map([...dependentsIn(live)].map(([target, dependents]) => [target, [...dependents].sort()]));
}

/** A reverse index that follows the live state move by move, where making it anew each time would cost too much. */
export type Dependents = Map<string, Set<string>>;

export function dependentsIn(live: Graph): Dependents {
  const index: Dependents = new Map();
  for (const [resource, version] of Object.entries(live)) relink(index, resource, undefined, version);
  return index;
}

/** Makes the index follow one resource from a version to the next; a removed one depends on nothing. */
export function relink(index: Dependents, resource: string, before: Node | undefined, after: Node): void {
  for (const target of targetsOf(before)) index.get(target)?.delete(resource);
  for (const target of targetsOf(after)) {
    if (target === resource) continue;
    const known = index.get(target);
    if (known) known.add(resource);
    else index.set(target, new Set([resource]));
  }
}

function targetsOf(version: Node | undefined): string[] {
  return version === undefined || version.digest === null ? [] : version.dependsOn.map(dependencyTarget);
}

/**
 * One cycle that can be reached from `roots`, as a closed walk (`['a', 'b', 'a']`), or null. Depth first (Tarjan 1972)
 * with its own stack, because a chain of 10,000 resources would overflow the call stack. Asks once for the targets of
 * each node; linear in nodes and edges, deterministic in their order.
 */
export function findCycle(
  roots: Iterable<string>,
  targetsOf: (node: string) => readonly string[],
): string[] | null {
  const places = new Map<string, 'on the path' | 'done'>();
  for (const root of roots) {
    if (places.has(root)) continue;
    places.set(root, 'on the path');
    const path = [{ node: root, targets: targetsOf(root), next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = top.targets[top.next];
      top.next += 1;
      if (target === undefined) {
        places.set(top.node, 'done');
        path.pop();
        continue;
      }
      const place = places.get(target);
      if (place === 'on the path') {
        const nodes = path.map((step) => step.node);
        return [...nodes.slice(nodes.indexOf(target)), target];
      }
      if (place === undefined) {
        places.set(target, 'on the path');
        path.push({ node: target, targets: targetsOf(target), next: 0 });
      }
    }
  }
  return null;
}
