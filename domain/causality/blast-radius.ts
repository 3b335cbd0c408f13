/** Resource → the resources that need it: `dependentsIndex`. */
type Dependents = ReadonlyMap<string, readonly string[]>;

/** Everything that depends on the resources, directly or not, without themselves; sorted. */
export function blastRadius(resources: readonly string[], dependents: Dependents): string[] {
  const reached = new Set(resources);
  for (const one of reached) for (const dependent of dependents.get(one) ?? []) reached.add(dependent);
  for (const one of resources) reached.delete(one);
  return [...reached].sort();
}

/**
 * The longest way that a fault can travel: from one of the resources to its dependent, to that one's dependent, and so
 * on. The first by name where several are as long; empty without resources. Linear in what is reachable; a dependency
 * that would close a circle is not followed.
 */
export function longestPath(resources: readonly string[], dependents: Dependents): string[] {
  const ways = new Map<string, Way>();
  const seen = new Set<string>();
  const roots = [...resources].sort();
  for (const root of roots) {
    if (seen.has(root)) continue;
    seen.add(root);
    const path = [{ node: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = dependents.get(top.node)?.[top.next];
      top.next += 1;
      if (target === undefined) {
        ways.set(top.node, longestWay(dependents.get(top.node) ?? [], ways));
        path.pop();
      } else if (!seen.has(target)) {
        seen.add(target);
        path.push({ node: target, next: 0 });
      }
    }
  }
  const longest: string[] = [];
  for (let at = longestWay(roots, ways).next; at !== null; at = ways.get(at)?.next ?? null) longest.push(at);
  return longest;
}

/** How many resources come after one, and which is the next. */
interface Way {
  length: number;
  next: string | null;
}

/** One that is still being walked is not known yet: going there would be a circle. */
function longestWay(targets: readonly string[], ways: ReadonlyMap<string, Way>): Way {
  return targets.reduce<Way>(
    (best, next) => {
      const length = 1 + (ways.get(next)?.length ?? -1);
      return length > best.length ? { length, next } : best;
    },
    { length: 0, next: null },
  );
}

/** The services that own configuration among the resources (`config/<service>/…`), sorted. Layers are no services. */
export function affectedServices(resources: readonly string[]): string[] {
  const services = resources.flatMap((resource) => /^config\/([^/_][^/]*)\//.exec(resource)?.[1] ?? []);
  return [...new Set(services)].sort();
}

/**
 * An estimate: seconds from a fault's going live to the last reader's having the old version back. At most one stage is
 * in flight and every inverse leads straight to the base, so it is one bake, at the end of which the verdict falls,
 * and the time for which a reader may keep what it has (`ttlSeconds`). Without a bake, the time until somebody notices
 * comes on top, and nobody can know it.
 */
export function recoverySeconds(input: {
  stages: readonly { baked: boolean }[];
  bakeMs: number;
  /** Of records, the longest TTL; of documents, the longest time between two looks of a reader. */
  ttlSeconds: number;
}): number {
  const watched = input.stages.some((stage) => stage.baked);
  return Math.ceil((watched ? input.bakeMs / 1000 : 0) + input.ttlSeconds);
}
