import { canonicalText } from '../evidence/canonical-json.ts';
import { isJsonObject, type JsonObject, membersOf, pointerTo } from './json-pointer.ts';

/** One way in which a schema got narrower. */
export interface Narrowing {
  /** JSON Pointer into the new schema. */
  pointer: string;
  reason: string;
}

/** They say nothing about which values are valid (JSON Schema 2020-12 Validation §9, Core §8.3). */
const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  '$schema',
];

/** Keywords that are compared one by one; any other must stay as it is, beside anything that changes. */
const LOWER_BOUNDS = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const UPPER_BOUNDS = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
/** May go, may not come or change. */
const FILTERS = ['pattern', 'format', 'multipleOf'];
const COMPARED = [
  ...LOWER_BOUNDS,
  ...UPPER_BOUNDS,
  ...FILTERS,
  'type',
  'enum',
  'const',
  'required',
  'uniqueItems',
  'properties',
  'additionalProperties',
  'items',
];
/** What these mean depends on keywords beside them, which must therefore stay as they are as well. */
const ENTANGLED = ['patternProperties', 'prefixItems', 'unevaluatedProperties', 'unevaluatedItems'];

/**
 * In which ways a schema (JSON Schema 2020-12) got narrower. An empty list is the promise that it is compatible:
 * whatever the old schema takes, the new one takes. Where that cannot be told, the change counts as narrowing. So a
 * new property is compatible only where `additionalProperties` was false: elsewhere documents may hold anything under
 * its name already.
 */
export function narrowings(before: unknown, after: unknown): Narrowing[] {
  if (sameMeaning(before, after)) return [];
  const stray = [before, after].flatMap((schema) => strayReferences(schema, ''));
  if (stray[0] !== undefined) {
    const reason = `"$ref" points outside of "$defs" (${stray[0]}), so a change elsewhere may show there`;
    return [{ pointer: '', reason }];
  }
  return compare(before, after, '');
}

function compare(before: unknown, after: unknown, pointer: string): Narrowing[] {
  if (before === false || takesAll(after) || sameMeaning(before, after)) return [];
  // False, or no schema any more.
  if (!isJsonObject(after)) return [{ pointer, reason: 'nothing is valid here any more' }];
  const old = isJsonObject(before) ? before : {};
  return [
    ...untouchable(old, after, pointer),
    ...narrowedType(old, after, pointer),
    ...narrowedValues(old, after, pointer),
    ...narrowedBounds(old, after, pointer),
    ...newFilters(old, after, pointer),
    ...newRequired(old, after, pointer),
    ...narrowedProperties(old, after, pointer),
    ...compare(old.items ?? true, after.items ?? true, pointerTo(pointer, 'items')),
  ];
}

function untouchable(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const entangled = ENTANGLED.find((keyword) => keyword in old || keyword in after);
  if (entangled !== undefined) {
    return [{ pointer, reason: `changes beside "${entangled}", whose effect depends on them` }];
  }
  const known = [...COMPARED, ...ANNOTATIONS];
  return [...new Set([...Object.keys(old), ...Object.keys(after)])]
    .filter((keyword) => !known.includes(keyword))
    .filter((keyword) => !sameJson(old[keyword], after[keyword]))
    .map((keyword) => ({ pointer: pointerTo(pointer, keyword), reason: `"${keyword}" changed` }));
}

function narrowedType(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const wanted = typesOf(after);
  if (wanted === null) return [];
  const lost = (typesOf(old) ?? ['null', 'boolean', 'object', 'array', 'number', 'string']).filter(
    (type) => !wanted.includes(type) && !(type === 'integer' && wanted.includes('number')),
  );
  if (lost.length === 0) return [];
  return [{ pointer: pointerTo(pointer, 'type'), reason: `no longer takes ${lost.join(', ')}` }];
}

function typesOf({ type }: JsonObject): unknown[] | null {
  if (type === undefined) return null;
  return Array.isArray(type) ? type : [type];
}

/** `const` is an enum of one. */
function narrowedValues(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  return ['enum', 'const'].flatMap((keyword) => {
    const wanted = keyword in after ? valuesOf(after, keyword) : null;
    if (wanted === null) return [];
    const at = pointerTo(pointer, keyword);
    const had = [...valuesOf(old, 'enum'), ...valuesOf(old, 'const')];
    if (had.length === 0) return [{ pointer: at, reason: `"${keyword}" is new` }];
    // With both keywords a value must be in both, so either list holds all that was valid.
    const lists = ['enum', 'const'].filter((one) => one in old).map((one) => valuesOf(old, one));
    const isKept = lists.some((list) => list.every((value) => wanted.includes(value)));
    return isKept ? [] : [{ pointer: at, reason: 'takes fewer values' }];
  });
}

function valuesOf(schema: JsonObject, keyword: string): string[] {
  if (!(keyword in schema)) return [];
  const values = schema[keyword];
  return (keyword === 'enum' && Array.isArray(values) ? values : [values]).map(canonicalText);
}

function narrowedBounds(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const tightened = (keyword: string, isTighter: (now: number, then: number) => boolean) => {
    const [then, now] = [old[keyword] ?? implied(keyword), after[keyword]];
    if (typeof now !== 'number' || (typeof then === 'number' && !isTighter(now, then))) return [];
    const from = typeof then === 'number' ? `from ${then} ` : '';
    return [{ pointer: pointerTo(pointer, keyword), reason: `"${keyword}" is tightened ${from}to ${now}` }];
  };
  return [
    ...LOWER_BOUNDS.flatMap((keyword) => tightened(keyword, (now, then) => now > then)),
    ...UPPER_BOUNDS.flatMap((keyword) => tightened(keyword, (now, then) => now < then)),
  ];
}

/** A size is never below 0, so a lower bound of 0 is no bound. */
function implied(keyword: string): number | undefined {
  return ['minLength', 'minItems', 'minProperties'].includes(keyword) ? 0 : undefined;
}

function newFilters(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const filters = FILTERS.filter((keyword) => keyword in after && !sameJson(old[keyword], after[keyword]));
  const unique = after.uniqueItems === true && old.uniqueItems !== true ? ['uniqueItems'] : [];
  return [...filters, ...unique].map((keyword) => ({
    pointer: pointerTo(pointer, keyword),
    reason: `"${keyword}" is new or changed`,
  }));
}

function newRequired(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const had = namesIn(old.required);
  return namesIn(after.required)
    .filter((name) => !had.includes(name))
    .map((name) => ({ pointer: pointerTo(pointer, 'required'), reason: `"${name}" is newly required` }));
}

function namesIn(names: unknown): unknown[] {
  return Array.isArray(names) ? names : [];
}

function narrowedProperties(old: JsonObject, after: JsonObject, pointer: string): Narrowing[] {
  const [had, has] = [propertiesOf(old), propertiesOf(after)];
  const [oldRest, rest] = [old.additionalProperties ?? true, after.additionalProperties ?? true];
  const names = [...new Set([...Object.keys(had), ...Object.keys(has)])].sort();
  return [
    ...names.flatMap((name): Narrowing[] => {
      const then = Object.hasOwn(had, name) ? had[name] : oldRest;
      const now = Object.hasOwn(has, name) ? has[name] : rest;
      const at = pointerTo(pointerTo(pointer, 'properties'), name);
      if (now === false && then !== false) {
        return [{ pointer: at, reason: `"${name}" is removed and no longer allowed` }];
      }
      const narrower = compare(then, now, at);
      if (narrower.length === 0 || Object.hasOwn(had, name)) return narrower;
      return [{ pointer: at, reason: `"${name}" is new where documents could hold any value already` }];
    }),
    ...compare(oldRest, rest, pointerTo(pointer, 'additionalProperties')),
  ];
}

function propertiesOf({ properties }: JsonObject): JsonObject {
  return isJsonObject(properties) ? properties : {};
}

function takesAll(schema: unknown): boolean {
  return schema === true || canonicalText(withoutAnnotations(schema)) === '{}';
}

function sameMeaning(before: unknown, after: unknown): boolean {
  return sameJson(withoutAnnotations(before), withoutAnnotations(after));
}

function withoutAnnotations(schema: unknown): unknown {
  if (!isJsonObject(schema)) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !ANNOTATIONS.includes(keyword)));
}

function sameJson(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalText(a) === canonicalText(b);
}

/** A reference into `$defs` means the same as long as `$defs` does; any other may mean a part that changed. */
function strayReferences(value: unknown, pointer: string): string[] {
  return membersOf(value, pointer).flatMap((member) => {
    const isReference = ['$ref', '$dynamicRef'].includes(member.key) && typeof member.value === 'string';
    if (isReference) return String(member.value).startsWith('#/$defs/') ? [] : [member.pointer];
    return strayReferences(member.value, member.pointer);
  });
}
