import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { DomainError } from '../../domain/errors.ts';
import type { AwsServer, TemporalServer } from './servers.ts';

const TRY_TIMEOUT_MS = 2_000;
const ALREADY_EXISTS = 6;

/** Resolves when the emulator has answered a signed request; throws otherwise. */
export async function awsAnswers(aws: AwsServer): Promise<void> {
  const client = new S3Client({
    endpoint: aws.endpoint,
    region: aws.region,
    // A copy: the SDK writes into what it is handed.
    credentials: { ...aws.adminCredentials },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  try {
    await client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(TRY_TIMEOUT_MS) });
  } finally {
    client.destroy();
  }
}

/** Resolves when Temporal serves the namespace; throws otherwise. */
export async function temporalAnswers(temporal: TemporalServer): Promise<void> {
  await withConnection(temporal, async (connection) => {
    await connection.workflowService.describeNamespace({ namespace: temporal.namespace });
  });
}

/** For a server that we did not start. Those that exist already stay. Throws `STACK_NOT_RUNNING`. */
export async function registerSearchAttributes(
  temporal: TemporalServer,
  types: Record<string, 'Keyword' | 'KeywordList'>,
): Promise<void> {
  const KINDS = { Keyword: 2, KeywordList: 7 } as const;
  try {
    await withConnection(temporal, async (connection) => {
      for (const [name, type] of Object.entries(types)) {
        await connection.operatorService
          .addSearchAttributes({ namespace: temporal.namespace, searchAttributes: { [name]: KINDS[type] } })
          .catch((error: { code?: number }) => {
            if (error.code !== ALREADY_EXISTS) throw error;
          });
      }
    });
  } catch (cause) {
    throw new DomainError(
      'STACK_NOT_RUNNING',
      `Temporal at ${temporal.address} (TEMPORAL_ADDRESS) did not take our search attributes: ${String(cause)}.`,
      { next: 'Check the address and the namespace, or unset TEMPORAL_ADDRESS to use a server of our own.' },
      cause,
    );
  }
}

async function withConnection(
  temporal: TemporalServer,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await Connection.connect({
    address: temporal.address,
    connectTimeout: TRY_TIMEOUT_MS,
    // By default a refused connection is tried again after a second, which would be most of the start.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 100 },
  });
  try {
    await connection.withDeadline(Date.now() + TRY_TIMEOUT_MS, () => use(connection));
  } finally {
    await connection.close();
  }
}
