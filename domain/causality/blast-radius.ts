import type { DocumentStage, DocumentStrategy } from '../change/document-plan.ts';

/** Resource → the resources that need it: `dependentsIndex`. */
type Dependents = ReadonlyMap<string, readonly string[]>;

/** Everything that depends on the resources, directly or not, without themselves; sorted. */
export function blastRadius(resources: readonly string[], dependents: Dependents): string[] {
  const reached = new Set(resources);
  for (const one of reached) for (const dependent of dependents.get(one) ?? []) reached.add(dependent);
  for (const one of resources) reached.delete(one);
  return [...reached].sort();
}

export function longestPath(resources: readonly string[], dependents: Dependents): string[] {
  throw new Error(`not written yet ${resources} ${dependents}`);
}

/** The services that own configuration among the resources (`config/<service>/…`), sorted. */
export function affectedServices(resources: readonly string[]): string[] {
  const services = resources.flatMap((resource) => /^config\/([^/]+)/.exec(resource)?.[1] ?? []);
  return [...new Set(services)].sort();
}

export function recoverySeconds(input: {
  strategy: DocumentStrategy;
  stages: readonly DocumentStage[];
  bakeMs: number;
}): number {
  throw new Error(`not written yet ${input}`);
}
