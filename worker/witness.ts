import pino from 'pino';
import { createCosigner } from '../activities/witness.ts';
import { formatVkey, parseVkey } from '../domain/log/signed-note.ts';
import { originHash } from '../domain/log/witness-request.ts';
import { createFileWitnessMemory } from '../infra/files/file-witness-memory.ts';
import { startWitnessServer } from '../infra/http/witness-server.ts';
import { openNoteSigner } from '../infra/keys/note-signer.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { readWitnessConfig } from './witness-config.ts';

/**
 * The witness's process: `node worker/witness.ts CONFIG.json`. Run it where nobody who runs the log has rights. Logs
 * JSON lines to standard output; `ready`, with its URL and vkey, is one of them. SIGTERM and SIGINT end it.
 */
const path = process.argv[2];
if (path === undefined) {
  process.stderr.write('usage: worker/witness CONFIG.json\n');
  process.exit(2);
}
const config = readWitnessConfig(path);
const logger = pino({
  level: config.logLevel,
  base: { role: 'witness', pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
});
const { key, signer } = openNoteSigner('cosignature/v1', config.name, config.keyFile);
const memory = createFileWitnessMemory(config.memoryDir);
const logKeys = config.logs.map(parseVkey);
const originByHash = new Map(logKeys.map(({ name }) => [originHash(name), name]));
const cosign = createCosigner({
  key,
  signer,
  logKeys,
  memory,
  verify: verifyEd25519,
  clock: { nowMs: () => Date.now() },
});
const server = await startWitnessServer({
  host: config.host,
  port: config.port,
  addCheckpoint: async (body) => {
    const answer = await cosign(body);
    // A refusal may be the first sign of a rewritten log: nobody else may ever say it.
    const level = answer.status === 200 || answer.status === 409 ? 'debug' : 'error';
    logger[level]({ status: answer.status, answer: answer.body.trim() }, 'add-checkpoint');
    return answer;
  },
  lastCosigned: async (hash) => {
    const origin = originByHash.get(hash);
    return origin === undefined ? null : memory.last(origin);
  },
  onError: (error) => logger.error({ err: error }, 'failed'),
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
logger.info({ url: server.url, vkey: formatVkey(key) }, 'ready');
