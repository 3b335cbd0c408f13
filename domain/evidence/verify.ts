/**
 * `resilience-ctl/verify`: all that an auditor needs to check an export or a proof, without IO. It imports `domain/`,
 * SHA-256 and schemas, and nothing else; whoever calls it brings a reader and an Ed25519 verification.
 */
export type { Discrepancy } from './audit-entries.ts';
export { decodePins, type Pins } from './export-layout.ts';
export { type ProofVerdict, verifyProof } from './proof.ts';
export { type ExportReader, type ExportVerdict, type VerifyInput, verifyExport } from './verify-export.ts';
