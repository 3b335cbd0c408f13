import { z } from 'zod';

/**
 * How a person's machine reaches one environment: written by `resilience-ctl dev` for the local stack, by an
 * operator elsewhere. Found through `RESILIENCE_HOME`, else in `.resilience` of this folder or a parent.
 */
const aws = z.strictObject({
  endpoint: z.string().optional(),
  region: z.string(),
  bucket: z.string(),
  /** Absent: the SDK's own credential chain. */
  credentials: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
});

/** What break-glass needs, and nothing else on this machine may read. */
export const breakGlassSchema = z.strictObject({
  aws,
  kmsKeyArn: z.string(),
  /** Where it writes ahead while the log is down: a local disk. */
  spoolDir: z.string(),
  /** How long to wait for a DNS batch whose reference was lost with the provider's answer. */
  dnsWorstPropagationMs: z.int().min(0).default(60_000),
});

export type BreakGlassConfig = z.infer<typeof breakGlassSchema>;

export const installationSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/installation/v1'),
  environment: z.string(),
  temporal: z.strictObject({ address: z.string(), namespace: z.string(), uiUrl: z.string().optional() }),
  aws,
  /** The signed trust document that the log begins with, and the digest that it must have. */
  trustFile: z.string(),
  trustDigest: z.string(),
  /**
   * The vkeys (C2SP signed-note) of whoever signs and cosigns the log's checkpoints; all witnesses must. Absent where
   * none is published.
   */
  checkpoints: z.strictObject({ logKey: z.string(), witnessKeys: z.array(z.string()).min(1) }).optional(),
  /** People's private keys, one PKCS #8 PEM a person: `<subject>.pem`, mode 0600. */
  keysDir: z.string(),
  /** Rights and key of the break-glass role (`BreakGlassConfig`, JSON, mode 0600). Absent: not from this machine. */
  breakGlassFile: z.string().optional(),
  /** Private keys of the holders of the trust document's root: `<holder>.pem`. Absent: none is kept here. */
  rootKeysDir: z.string().optional(),
  /** Where second factors are proven. Absent: nobody here approves what asks for one. */
  factorVerifierUrl: z.url().optional(),
  /** Where this machine keeps how far it has verified the log. Absent: `memory`, beside this file. */
  memoryDir: z.string().optional(),
  /** AWS credentials of whoever keeps the bucket, for `store check --repair`. Absent: it may not be repaired here. */
  keeper: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
  /** The local stack's process, when there is one. */
  dev: z.strictObject({ pid: z.int(), startedAt: z.string() }).optional(),
});

export type Installation = z.infer<typeof installationSchema>;
