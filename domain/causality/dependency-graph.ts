import type { LogState } from '../log/state.ts';

/** Live resources that declare a dependency on this one, sorted; never the resource itself. */
export function dependentsOf(resource: string, live: LogState['live']): string[] {
  return Object.entries(live)
    .filter(
      ([name, version]) =>
        name !== resource && version.digest !== null && version.dependsOn.includes(resource),
    )
    .map(([name]) => name)
    .sort();
}

/**
 * One cycle as a closed walk (`['a', 'b', 'a']`), or null. Depth first (Tarjan 1972) with its own stack, because a
 * chain of 10,000 resources would overflow the call stack. Linear in nodes and edges; deterministic in their order.
 */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  for (const root of edges.keys()) {
    if (done.has(root)) continue;
    const onPath = new Set([root]);
    const path = [{ node: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = edges.get(top.node)?.[top.next];
      top.next += 1;
      if (target === undefined) {
        done.add(top.node);
        onPath.delete(top.node);
        path.pop();
      } else if (onPath.has(target)) {
        const nodes = path.map((step) => step.node);
        return [...nodes.slice(nodes.indexOf(target)), target];
      } else if (!done.has(target)) {
        onPath.add(target);
        path.push({ node: target, next: 0 });
      }
    }
  }
  return null;
}
