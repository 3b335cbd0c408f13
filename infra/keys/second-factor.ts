import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { generateSecret, generateSync, generateURI, verifySync } from 'otplib';
import type { CodeMatcher } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';

/** RFC 6238: SHA-1, six digits, steps of 30 s from the epoch; what every authenticator takes without being told. */
const STEP_S = 30;
const RECOVERY_CODES = 8;
/** 80 bits: nobody guesses one, so the hash needs to be slow only against whoever steals the list. */
const RECOVERY_CODE_BYTES = 10;
/** RFC 7914 §2; 16 MiB and some 40 ms a code. */
const SCRYPT = { N: 16_384, r: 8, p: 1 } as const;
const HASH_BYTES = 32;

const hash = promisify((code: string, salt: Buffer, done: (error: Error | null, key: Buffer) => void): void =>
  scrypt(code, salt, HASH_BYTES, SCRYPT, done),
);

export interface NewFactor {
  factor: EnrolledFactor;
  /** Shown once, stored by nobody but their owner. */
  recoveryCodes: string[];
}

export async function makeFactor(): Promise<NewFactor> {
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
  const salt = randomBytes(16);
  const hashes = await Promise.all(recoveryCodes.map((code) => hash(code, salt)));
  return {
    recoveryCodes,
    factor: {
      type: 'totp',
      secret: generateSecret(),
      recovery: { salt: salt.toString('base64'), hashes: hashes.map((one) => one.toString('base64')) },
    },
  };
}

/** What an authenticator takes (Google's Key Uri Format), by QR or by hand. */
export function factorUri({ secret }: EnrolledFactor, environment: string, person: string): string {
  return generateURI({ issuer: 'resilience-ctl', label: `${person} in ${environment}`, secret });
}

export function stepOf(nowMs: number): number {
  return Math.floor(nowMs / 1000 / STEP_S);
}

/** The code of one time step. */
export function codeOfStep(secret: string, step: number): string {
  return generateSync({ secret, epoch: step * STEP_S });
}

/** A clock, or a person, may be one step early or late (RFC 6238 §5.2). */
export const matchCode: CodeMatcher = async (factor, code, nowMs) => {
  if (/^\d{6}$/.test(code)) {
    const { secret } = factor;
    const result = verifySync({ secret, token: code, epoch: nowMs / 1000, epochTolerance: STEP_S });
    return result.valid ? { method: 'totp', step: stepOf(nowMs) + result.delta } : null;
  }
  const place = await recoveryPlace(factor, code);
  return place < 0 ? null : { method: 'recovery-code', place };
};

async function recoveryPlace({ recovery }: EnrolledFactor, code: string): Promise<number> {
  const typed = code.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const shaped = typed.replaceAll(/(.{4})(?=.)/g, '$1-');
  const hashed = await hash(shaped, Buffer.from(recovery.salt, 'base64'));
  return recovery.hashes.findIndex((known) => {
    const bytes = Buffer.from(known, 'base64');
    return bytes.length === HASH_BYTES && timingSafeEqual(bytes, hashed);
  });
}

/** Five groups of four hexadecimal digits: nothing in them is mistaken for something else. */
function newRecoveryCode(): string {
  return randomBytes(RECOVERY_CODE_BYTES)
    .toString('hex')
    .replaceAll(/(.{4})(?=.)/g, '$1-');
}
