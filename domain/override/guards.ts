/**
 * What break-glass may pass over, each only by name. Everything else stands whatever anybody signs: shapes, signatures,
 * the plan that was signed, the zone's fence or what was live of a document, and every rule about what would exist.
 *
 * | guard | what it would have asked |
 * |---|---|
 * | quorum | the zones' votes |
 * | canary | the stages, their verdicts, and that old and new are served together |
 * | witness | that a cosigned checkpoint covers the intent before the effect |
 * | freeze | that forward motion is not frozen |
 * | reservation | that no other change is writing these records |
 * | causality | that bases, dependencies and dependents are as the request says |
 * | limits | how much of a zone may change at once and in a day |
 * | log | that the intent is in the log before the effect |
 */
export const OVERRIDABLE_GUARDS = [
  'quorum',
  'canary',
  'witness',
  'freeze',
  'reservation',
  'causality',
  'limits',
  'log',
] as const;

/** What nobody can ask while the log is down: an override that is carried out then has to name them all. */
export const GUARDS_OF_THE_LOG = ['log', 'freeze', 'reservation', 'causality', 'limits'] as const;

export type OverridableGuard = (typeof OVERRIDABLE_GUARDS)[number];

export function isOverridableGuard(name: string): name is OverridableGuard {
  return OVERRIDABLE_GUARDS.some((guard) => guard === name);
}
