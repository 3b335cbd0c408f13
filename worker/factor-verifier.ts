import pino from 'pino';
import { createFactorVerifier } from '../activities/factor-verifier.ts';
import { createKmsClient, createS3Client } from '../infra/aws/aws-clients.ts';
import { openKmsSigner } from '../infra/aws/kms-signer.ts';
import { createS3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { createS3FactorStore } from '../infra/aws/s3-factor-store.ts';
import { createRememberingFactorStore } from '../infra/files/remembering-factor-store.ts';
import { startFactorServer } from '../infra/http/factor-server.ts';
import { matchCode } from '../infra/keys/second-factor.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 as verify } from '../infra/keys/verify-ed25519.ts';
import { readFactorVerifierConfig } from './factor-verifier-config.ts';
import { rememberFactors } from './remember-factors.ts';

/**
 * The factor-verifier's process: `node worker/factor-verifier.ts CONFIG.json`. It alone may read second factors. Logs
 * JSON lines to standard output; `ready`, with its URL, is one of them. SIGTERM and SIGINT end it.
 */
const path = process.argv[2];
if (path === undefined) {
  process.stderr.write('usage: worker/factor-verifier CONFIG.json\n');
  process.exit(2);
}
const config = readFactorVerifierConfig(path);
const logger = pino({
  level: config.logLevel,
  base: { role: 'factor-verifier', pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
});
const { environment, aws, kmsKeyArn, factorKeyArn, memoryDir } = config;
const trust = openTrustFile(config.trustFile, config.trustDigest);
const kms = createKmsClient(aws);
const store = { s3: createS3Client(aws), bucket: aws.bucket, environment };
const log = createS3ChangeLog({ ...store, trust, verify });
const factors = createS3FactorStore({ ...store, kms, keyArn: factorKeyArn });
const remembering = memoryDir === undefined ? null : createRememberingFactorStore(factors, memoryDir);
if (remembering) await rememberFactors(remembering, log, logger);
const server = await startFactorServer({
  host: config.host,
  port: config.port,
  verifier: createFactorVerifier({
    ...{ environment, verify },
    signer: await openKmsSigner({ kms, keyArn: kmsKeyArn }),
    clock: { nowMs: () => Date.now() },
    factors: remembering ?? factors,
    match: matchCode,
    log,
    onUnlogged: (error) => logger.error({ err: error }, 'a lock-out is not in the log'),
  }),
  onError: (error) => logger.error({ err: error }, 'failed'),
  onRefusal: ({ code, message }) => logger.warn({ code }, message),
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
logger.info({ url: server.url }, 'ready');
