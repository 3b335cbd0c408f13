import type { Violation } from '../errors.ts';

const MAX_REASONS = 5;
const MAX_TEXT_LENGTH = 200;

/**
 * Reasons as they go into a signed statement. One KMS signature covers at most 4096 bytes (AWS KMS, `Sign`), so a
 * statement carries the first few, shortened; the workflow's result has them all.
 */
export function boundedReasons(reasons: readonly Violation[]): Violation[] {
  return reasons.slice(0, MAX_REASONS).map((reason) => ({
    ...reason,
    message: shorten(reason.message),
    remedy: shorten(reason.remedy),
  }));
}

/** As `boundedReasons`, for plain sentences. */
export function boundedTexts(texts: readonly string[]): string[] {
  return texts.slice(0, MAX_REASONS).map(shorten);
}

function shorten(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH - 1)}…`;
}
