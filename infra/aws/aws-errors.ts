import { type ErrorCode, PortError } from '../../domain/errors.ts';

/** Whose call failed. */
export type AwsService = 'store' | 'dns' | 'signer';

const UNAVAILABLE: Record<AwsService, ErrorCode> = {
  store: 'STORE_UNAVAILABLE',
  dns: 'DNS_UNAVAILABLE',
  signer: 'SIGNER_UNAVAILABLE',
};

/** As the services name them: S3 "Error responses", Route 53 and KMS "Common errors". */
const CODE_OF_NAME: Record<string, ErrorCode> = {
  AccessDenied: 'NOT_PERMITTED',
  AccessDeniedException: 'NOT_PERMITTED',
  AllAccessDisabled: 'NOT_PERMITTED',
  CredentialsProviderError: 'NOT_PERMITTED',
  ExpiredToken: 'NOT_PERMITTED',
  ExpiredTokenException: 'NOT_PERMITTED',
  InvalidAccessKeyId: 'NOT_PERMITTED',
  InvalidClientTokenId: 'NOT_PERMITTED',
  InvalidSignatureException: 'NOT_PERMITTED',
  NotAuthorized: 'NOT_PERMITTED',
  SignatureDoesNotMatch: 'NOT_PERMITTED',
  UnrecognizedClientException: 'NOT_PERMITTED',
  PriorRequestNotComplete: 'THROTTLED',
  RequestLimitExceeded: 'THROTTLED',
  RequestThrottled: 'THROTTLED',
  RequestThrottledException: 'THROTTLED',
  SlowDown: 'THROTTLED',
  ThrottledException: 'THROTTLED',
  Throttling: 'THROTTLED',
  ThrottlingException: 'THROTTLED',
  TooManyRequestsException: 'THROTTLED',
  NoSuchBucket: 'NOT_FOUND',
  NoSuchChange: 'NOT_FOUND',
  NoSuchHostedZone: 'NOT_FOUND',
  NoSuchKey: 'NOT_FOUND',
  NoSuchVersion: 'NOT_FOUND',
  NotFound: 'NOT_FOUND',
  NotFoundException: 'NOT_FOUND',
};

const CODE_OF_STATUS: Record<number, ErrorCode> = {
  401: 'NOT_PERMITTED',
  403: 'NOT_PERMITTED',
  404: 'NOT_FOUND',
  429: 'THROTTLED',
};

const NEXT: Partial<Record<ErrorCode, string>> = {
  NOT_PERMITTED: "Check this role's AWS credentials and policy.",
  THROTTLED: 'Try again later; it is retried by itself where that is safe.',
  NOT_FOUND: 'Check the name, the region and the endpoint.',
};

/** Every failure of the SDK as one of ours. What has no better name means that the service is unavailable. */
export function toPortError(service: AwsService, action: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  const code =
    (Object.hasOwn(CODE_OF_NAME, name) ? CODE_OF_NAME[name] : CODE_OF_STATUS[httpStatusOf(error) ?? 0]) ??
    UNAVAILABLE[service];
  const next = NEXT[code] ?? 'Check that the endpoint answers and try again.';
  return new PortError(code, `Cannot ${action}: ${name || 'Error'}: ${message}`, { next }, error);
}

/** Whether the service has refused for certain: the call had no effect, and asking whether it had is needless. */
export function isCertainRefusal(error: PortError): boolean {
  return error.code === 'NOT_PERMITTED' || error.code === 'THROTTLED';
}

/** S3's answer to `If-None-Match: *` when the name is taken (412), or is being taken right now (409). */
export function isNameTaken(error: unknown): boolean {
  const status = httpStatusOf(error);
  return status === 412 || status === 409;
}

function httpStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
