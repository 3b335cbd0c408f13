import { isJsonObject, type JsonObject, membersOf } from './json-pointer.ts';

/** A secret is named, never written: the reader fetches it by its name and must find it younger than its rotation. */
export interface SecretReference {
  secretRef: string;
  /** `YYYY-MM-DD`, UTC: the day on which it must have been rotated. */
  rotateBy: string;
}

/** Something about secrets that is wrong at a JSON Pointer. Never quotes the value. */
export interface SecretFault {
  pointer: string;
  rule: 'secret-by-reference' | 'secret-reference-complete' | 'secret-rotated';
  message: string;
}

/** Shapes that issuers publish so that leaked secrets can be found, each with what it is. */
const KNOWN_SHAPES: readonly [RegExp, string][] = [
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/, 'an AWS access key id'],
  [/\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/, 'a GitHub token'],
  [/\bglpat-[\w-]{16,}/, 'a GitLab token'],
  [/\b[sr]k_live_[A-Za-z0-9]{8,}/, 'a Stripe live key'],
  [/\bxox[abeoprs]-[\w-]{8,}/, 'a Slack token'],
  [/\bAIza[\w-]{35}/, 'a Google API key'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/, 'a JSON Web Token'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@]+@/i, 'a URL with a password'],
];

/** The last word of a key, whatever the spelling: `dbPassword`, `api_key`, `auth-token`. */
const TELLING_KEY = /(password|passwd|passphrase|secret|token|apikey|accesskey|privatekey|credential)s?$/;

/** Random text has 3 bits and more a character from about eight characters on; words, names and placeholders less. */
const MIN_SECRET_LENGTH = 8;
const MIN_ENTROPY_BITS = 3;

/** Every place of a document that holds what looks like a secret, keys included. */
export function secretLiterals(document: unknown): SecretFault[] {
  return literalsAt(document, '', '');
}

/** Every reference to a secret that is incomplete, or due for rotation at `nowMs` (since the epoch). */
export function secretReferenceFaults(document: unknown, nowMs: number): SecretFault[] {
  return Object.entries(secretReferences(document)).flatMap(([pointer, reference]) =>
    referenceFaults(reference, pointer, nowMs),
  );
}

/** Every reference to a secret in a document, by JSON Pointer. */
export function secretReferences(document: unknown, pointer = ''): Record<string, JsonObject> {
  if (isJsonObject(document) && 'secretRef' in document) return { [pointer]: document };
  return Object.assign(
    {},
    ...membersOf(document, pointer).map((one) => secretReferences(one.value, one.pointer)),
  );
}

function literalsAt(value: unknown, key: string, pointer: string): SecretFault[] {
  if (typeof value === 'string') return literalFaults(value, key, pointer);
  return membersOf(value, pointer).flatMap((one) => [
    ...(isJsonObject(value) ? literalFaults(one.key, '', pointer) : []),
    // An array under a telling key holds what the key tells of.
    ...literalsAt(one.value, Array.isArray(value) ? key : one.key, one.pointer),
  ]);
}

function literalFaults(text: string, key: string, pointer: string): SecretFault[] {
  const shape = KNOWN_SHAPES.find(([pattern]) => pattern.test(text))?.[1];
  const isTelling = TELLING_KEY.test(key.toLowerCase().replace(/[^a-z0-9]/g, ''));
  const isRandom = text.length >= MIN_SECRET_LENGTH && entropyBits(text) >= MIN_ENTROPY_BITS;
  if (shape === undefined && !(isTelling && isRandom)) return [];
  const what = shape ?? `a secret, by the name of its field`;
  return [{ pointer, rule: 'secret-by-reference', message: `holds what looks like ${what}` }];
}

/** Shannon, bits a character. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1);
  const length = [...text].length;
  return [...counts.values()].reduce((sum, n) => sum - (n / length) * Math.log2(n / length), 0);
}

function referenceFaults(value: JsonObject, pointer: string, nowMs: number): SecretFault[] {
  if (!isSecretReference(value)) {
    const message = 'refers to a secret in another form than {secretRef: name, rotateBy: YYYY-MM-DD}';
    return [{ pointer, rule: 'secret-reference-complete', message }];
  }
  if (Date.parse(value.rotateBy) > nowMs) return [];
  const message = `refers to a secret that was to be rotated by ${value.rotateBy}`;
  return [{ pointer: `${pointer}/rotateBy`, rule: 'secret-rotated', message }];
}

function isSecretReference(value: JsonObject): value is JsonObject & SecretReference {
  const { secretRef, rotateBy, ...others } = value;
  return (
    Object.keys(others).length === 0 &&
    typeof secretRef === 'string' &&
    secretRef.trim() !== '' &&
    typeof rotateBy === 'string' &&
    isDay(rotateBy)
  );
}

function isDay(text: string): boolean {
  const atMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
}
