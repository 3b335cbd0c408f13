import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { DomainError } from '../../domain/errors.ts';
import { codeOfStep, makeFactor, type NewFactor, stepOf } from './second-factor.ts';

/**
 * A second factor in a file, beside the person's key: what a telephone is elsewhere. Only for people of a local
 * environment, for then one thief takes both.
 */
interface CodeFile extends NewFactor {
  /** Of the last code that was handed out, so that the next one is another. */
  lastStep: number;
}

/** The part that is read again to make codes. */
const codeFile = z.object({ factor: z.object({ secret: z.string() }), lastStep: z.int() });

/** The factor in the file, made on first use. */
export async function ensureCodeFile(file: string): Promise<EnrolledFactor> {
  if (!existsSync(file)) write(file, { ...(await makeFactor()), lastStep: 0 });
  return (JSON.parse(readFileSync(file, 'utf8')) as CodeFile).factor;
}

/**
 * A code that has not been handed out yet. The verifier takes those of this step and of the next (and of the one before,
 * so that a code does not go stale on its way): two in half a minute. Throws `NOT_FOUND` without such a file, `THROTTLED`
 * when both are out.
 */
export function nextCode(file: string, nowMs: number): string {
  if (!existsSync(file)) {
    throw new DomainError('NOT_FOUND', `There is no second factor at ${file}.`, {
      next: 'Give the code of your authenticator with --code.',
    });
  }
  const known = JSON.parse(readFileSync(file, 'utf8')) as CodeFile;
  const { factor, lastStep } = codeFile.parse(known);
  const step = Math.max(stepOf(nowMs), lastStep + 1);
  if (step > stepOf(nowMs) + 1) {
    throw new DomainError('THROTTLED', 'Two codes of this person are used already.', {
      next: 'Wait for the next half minute.',
    });
  }
  write(file, { ...known, lastStep: step });
  return codeOfStep(factor.secret, step);
}

function write(file: string, content: CodeFile): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
}
