import { posix } from 'node:path';

/** One import, dynamic import or re-export of a module. Type-only ones are gone at run time. */
export interface Import {
  specifier: string;
  typeOnly: boolean;
}

const STATEMENT =
  /^[ \t]*(?:import|export)\s+(type\s+(?!from\b|,))?(?:[\w$*\s{},]*?\bfrom\s*)?(['"])([^'"\n]+)\2/gm;
const DYNAMIC = /\bimport\s*\(\s*(['"`])([^'"`\n]+)\1/g;

/**
 * Reads imports out of TypeScript source. `import { type A } from 'b'` is a value import: under
 * `verbatimModuleSyntax` it still loads `b`.
 */
export function importsOf(source: string): Import[] {
  const code = source.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/^[ \t]*\/\/.*$/gm, '');
  const statements = [...code.matchAll(STATEMENT)].map(([, type, , specifier = '']) => ({
    specifier,
    typeOnly: type !== undefined,
  }));
  const dynamic = [...code.matchAll(DYNAMIC)].map(([, , specifier = '']) => ({ specifier, typeOnly: false }));
  return [...statements, ...dynamic];
}

/** `workflows/contract.ts` for `../workflows/contract.ts` seen from `client/x.ts`; a package's name for the rest. */
export function moduleOf(importer: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(importer), specifier);
  const parts = specifier.split('/');
  if (specifier.startsWith('@')) return parts.slice(0, 2).join('/');
  return parts[0] ?? specifier;
}
