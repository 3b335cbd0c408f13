import { KMSClient } from '@aws-sdk/client-kms';
import { Route53Client } from '@aws-sdk/client-route-53';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface AwsConnection {
  /** Absent: AWS itself. */
  endpoint?: string | undefined;
  region: string;
  /** Absent: the SDK's own credential chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 10_000;
const READER_ATTEMPTS = 3;

/**
 * S3 retries by itself: every put of this product is conditional, and the adapters take a refused one as a reason to
 * look at what is there, never as the answer.
 */
export function createS3Client(connection: AwsConnection): S3Client {
  return new S3Client({ ...settings(connection, READER_ATTEMPTS), forcePathStyle: true });
}

/** A signature can be asked for again. */
export function createKmsClient(connection: AwsConnection): KMSClient {
  return new KMSClient(settings(connection, READER_ATTEMPTS));
}

/** For reading zones. */
export function createRoute53Reader(connection: AwsConnection): Route53Client {
  return new Route53Client(settings(connection, READER_ATTEMPTS));
}

/**
 * For writing zones: one try. A second try after a lost answer reports a conflict with the first one, which
 * committed.
 */
export function createRoute53Writer(connection: AwsConnection): Route53Client {
  return new Route53Client(settings(connection, 1));
}

function settings(connection: AwsConnection, maxAttempts: number) {
  return {
    region: connection.region,
    maxAttempts,
    ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
    // A copy: the SDK writes into what it is handed.
    ...(connection.credentials === undefined ? {} : { credentials: { ...connection.credentials } }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    }),
  };
}
