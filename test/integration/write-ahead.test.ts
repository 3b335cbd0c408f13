import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHECKPOINT_PATH } from '../../activities/integrate.ts';
import type { TileStore } from '../../activities/ports/tile-store.ts';
import { formatCheckpoint, parseCheckpoint, signNote } from '../../domain/log/checkpoint.ts';
import { leafHash } from '../../domain/log/merkle-tree.ts';
import { decodeNote, encodeNote, parseVkey, type SignedNote } from '../../domain/log/signed-note.ts';
import { createKmsClient, createS3Client } from '../../infra/aws/aws-clients.ts';
import { openKmsSigner } from '../../infra/aws/kms-signer.ts';
import { createS3TileStore } from '../../infra/aws/s3-tile-store.ts';
import { createHttpWitness } from '../../infra/http/witness-client.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import { canaryRequest, expectSettled, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';

/** Write-ahead, proven (DESIGN G8): what the witness has not seen in the log does not reach production. */
let env: LiveEnvironment;
const portsOf = new Map<Role, OpenedPorts>();

beforeAll(async () => {
  env = await startLiveEnvironment({
    name: 'write-ahead',
    wrap: (role, ports) => {
      portsOf.set(role, ports);
      return ports;
    },
  });
});
afterAll(() => env?.stop());

function cosignedLog() {
  const found = portsOf.get('enactor')?.cosignedLog;
  if (!found) throw new Error('the enactor did not start');
  return found;
}

/** With the orchestrator's own rights. */
function orchestratorsTiles(): TileStore {
  const { aws, environment } = env.prepared.workers.orchestrator;
  return createS3TileStore({ s3: createS3Client(aws), bucket: aws.bucket, environment });
}

async function entries(): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const { bytes } of env.log.entries(0)) all.push(bytes);
  return all;
}

async function publishedNote(): Promise<SignedNote> {
  const stored = await orchestratorsTiles().get(CHECKPOINT_PATH);
  if (!stored) throw new Error('nothing is published');
  return decodeNote(stored.bytes);
}

describe('an effect', () => {
  test('goes ahead when the witness has cosigned its intent', async () => {
    expect(await runChange(env, 'covered', { label: 'web' })).toBe('committed');
    await expectSettled(env, 'covered', 'committed');
    const { size } = parseCheckpoint((await publishedNote()).text);
    const intents = (await entries()).flatMap((bytes, index) => (isIntent(bytes) ? [index] : []));
    expect(intents).toHaveLength(3);
    expect(intents.at(-1)).toBeLessThan(size);
  });

  test('is refused for an entry that the cosigned log holds otherwise', async () => {
    const other = leafHash(new TextEncoder().encode('another intent'));
    await expect(cosignedLog().requireEntry(0, other)).rejects.toMatchObject({ code: 'LOG_FORKED' });
  });

  test('waits for an entry that no checkpoint covers yet', async () => {
    const leaf = leafHash(new TextEncoder().encode('not there'));
    await expect(cosignedLog().requireEntry(1_000_000, leaf)).rejects.toMatchObject({
      code: 'WITNESS_UNAVAILABLE',
      kind: 'unavailable',
      message: expect.stringContaining('not entry 1000000'),
    });
  });
});

describe('while the witness is down', () => {
  test('the next stage holds and says why; with the witness back it goes on by itself', async () => {
    await env.controlPlane.submit(
      'waits',
      canaryRequest(env, { label: 'shop', bakeSeconds: 2 }),
      env.person('alice'),
    );
    await env.approve('waits');
    await env.until('waits', ({ stages }) => stages[0]?.state === 'baking');
    await env.witness.kill('witness');
    const { held, stages } = await env.until('waits', (status) => status.held !== null);
    expect(held?.why).toMatch(/applying 100%: The published checkpoint covers \d+ entries, not entry \d+/);
    expect(held?.next).toContain('witness');
    expect(stages[1]).toMatchObject({ state: 'applying' });
    expect(stages[1]?.appliedAt).toBeUndefined();
    await env.witness.restart('witness');
    expect((await env.ended('waits')).status).toBe('committed');
    await expectSettled(env, 'waits', 'committed');
  });

  test('a change that holds goes back when it is aborted: its intent is in the log, and a rollback needs no proof', async () => {
    await env.controlPlane.submit(
      'goes-back',
      canaryRequest(env, { label: 'auth', bakeSeconds: 2 }),
      env.person('alice'),
    );
    await env.approve('goes-back');
    await env.until('goes-back', ({ stages }) => stages[0]?.state === 'baking');
    await env.witness.kill('witness');
    try {
      await env.until('goes-back', (status) => status.held !== null);
      const abort = { action: 'abort', reason: 'the witness is down' } as const;
      await env.controlPlane.command('goes-back', abort, env.person('carol'));
      expect((await env.ended('goes-back')).status).toBe('rolled-back');
    } finally {
      await env.witness.restart('witness');
    }
    await expectSettled(env, 'goes-back', 'rolled-back');
  });
});

describe('an orchestrator that rewrites the log', () => {
  test('gets no cosignature, and the enactor believes neither its checkpoint nor a shorter one', async () => {
    await env.stopRole('orchestrator');
    try {
      const { integration, aws } = env.prepared.workers.orchestrator;
      if (!integration) throw new Error('not configured');
      const logKey = parseVkey(env.prepared.trust.transparency.log);
      const signer = await openKmsSigner({ kms: createKmsClient(aws), keyArn: integration.logKeyArn });
      const tiles = orchestratorsTiles();
      const honest = await tiles.get(CHECKPOINT_PATH);
      if (!honest) throw new Error('nothing is published');
      const { text, signatures } = decodeNote(honest.bytes);
      const { origin, size } = parseCheckpoint(text);
      const forged = formatCheckpoint({ origin, size, root: leafHash(new TextEncoder().encode('a fork')) });
      const own = await signNote(forged, logKey, (message) => signer.sign(message));
      const fork: SignedNote = { text: forged, signatures: [own] };

      const witness = createHttpWitness(integration.witnesses[0]?.url ?? '');
      await expect(witness.addCheckpoint(fork, size, [])).rejects.toMatchObject({ code: 'LOG_FORKED' });

      const [entry = new Uint8Array()] = await entries();
      await cosignedLog().requireEntry(0, leafHash(entry));
      // With the cosignature of the honest checkpoint, since it can get no other.
      const lie = { ...fork, signatures: [own, ...signatures.slice(1)] };
      let version = await tiles.replace(CHECKPOINT_PATH, encodeNote(lie), honest.version);
      await expect(cosignedLog().requireEntry(0, leafHash(entry))).rejects.toMatchObject({
        code: 'LOG_FORKED',
        message: expect.stringContaining(`Two trees of ${size} entries have different roots`),
      });
      version = await tiles.replace(CHECKPOINT_PATH, encodeNote(await shorter()), version);
      await expect(cosignedLog().requireEntry(0, leafHash(entry))).rejects.toMatchObject({
        code: 'LOG_FORKED',
        message: expect.stringContaining('the one accepted before has'),
      });
      expect(await tiles.replace(CHECKPOINT_PATH, honest.bytes, version)).not.toBeNull();
      await cosignedLog().requireEntry(0, leafHash(entry));

      async function shorter(): Promise<SignedNote> {
        const cut = formatCheckpoint({ origin, size: 1, root: leafHash(entry) });
        return { text: cut, signatures: [await signNote(cut, logKey, (message) => signer.sign(message))] };
      }
    } finally {
      await env.start('orchestrator');
    }
    expect(await runChange(env, 'after-fork', { label: 'docs' })).toBe('committed');
  });
});

function isIntent(bytes: Uint8Array): boolean {
  const { payload } = JSON.parse(new TextDecoder().decode(bytes)) as { payload?: string };
  return Buffer.from(payload ?? '', 'base64')
    .toString('utf8')
    .includes('/intent');
}
