/** Kinds whose resources are versioned documents of an environment. A new one is a file here and a line there. */
export const DOCUMENT_KINDS = ['config', 'schema', 'switch', 'policy'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** Where a resource's kind is read off its name; null for one that is no document. */
export function documentKindOf(resource: string): DocumentKind | null {
  const kind = resource.split('/', 1)[0];
  return DOCUMENT_KINDS.find((one) => one === kind) ?? null;
}
