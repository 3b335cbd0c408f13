import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { devFile, installTools } from './install.ts';
import { startProcess } from './managed-process.ts';
import { baseEnvironment } from './servers.ts';

const TRY_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 60_000;
/** Its first call of each service loads that service's model, which takes seconds. */
const WARMED_SERVICES = ['s3', 'route53', 'kms'] as const;

/** A rule as microburst reads it; these are the ones that we know to work with the SDK. */
export interface FaultRule {
  /** HTTP only. The SDK's Route 53 calls carry no operation name: match their writes with `headers`. */
  service?: 's3' | 'route53' | 'kms' | 'iam';
  operation?: string;
  /** HTTP only: all must be contained. `{ 'Content-Type': 'xml' }` matches Route 53's writes. */
  headers?: Record<string, string>;
  /** TCP only: a case-insensitive regular expression on the request's first bytes, such as `^PUT /`. */
  payload?: string;
  /** How often it fires; without it, always. */
  times?: number;
  /** An AWS error instead of the call, such as `Throttling` or, for S3, `SlowDown`. */
  error?: { code: string; message?: string; status?: number };
  /** HTTP only: the call is made, its answer is lost. Not for S3's PUT, whose answer has no body to abort. */
  response?: { abort_frac: 0 };
  /** TCP only: the call is made, its answer is lost after so many bytes. */
  cut_reply?: { after_bytes: number };
  /** The connection is reset instead of the call. */
  reset?: boolean;
  latency?: number;
}

/** One injected fault. */
export interface FiredFault {
  service: string | null;
  operation: string | null;
  action: string;
  path: string | null;
}

export interface FaultProxy {
  /** Use it instead of the emulator's endpoint. Signatures stay valid: nothing is signed anew. */
  endpoint: string;
  /** Replaces the rules and forgets what has fired. */
  setRules(rules: readonly FaultRule[]): Promise<void>;
  /** What has fired since the rules were set, oldest first: a test must see that its fault did happen. */
  fired(): Promise<FiredFault[]>;
  stop(): Promise<void>;
}

export interface FaultProxyOptions {
  /** The emulator's endpoint. */
  upstream: string;
  /** `http` (the default) knows AWS; `tcp` knows bytes, and is the one that can lose the answer of an S3 PUT. */
  protocol?: 'http' | 'tcp';
  rules?: readonly FaultRule[];
  /** For its log. */
  stateDir: string;
}

/** Starts microburst on loopback before `upstream`, warmed up; it ends with this process. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const protocol = options.protocol ?? 'http';
  const [tools, port, otherPort] = await Promise.all([installTools(), freePort(), freePort()]);
  const endpoint = `http://127.0.0.1:${port}`;
  const controlPort = protocol === 'tcp' ? otherPort : port;
  const control = `http://127.0.0.1:${controlPort}/_microburst`;
  const upstream = protocol === 'tcp' ? new URL(options.upstream).host : options.upstream;
  const process = await startProcess({
    name: 'The fault proxy (microburst)',
    python: tools.python,
    command: [
      ...[tools.python, devFile('microburst-launcher.py'), '--protocol', protocol],
      ...['--no-resign', '--upstream', upstream],
      ...['--host', '127.0.0.1', '--port', String(port), '--control-port', String(controlPort)],
    ],
    env: baseEnvironment(options.stateDir),
    logFile: join(options.stateDir, `fault-proxy-${port}.log`),
    endSignal: 'SIGKILL',
    ready: () => callControl(control, 'GET', 'health').then(() => {}),
    readyTimeoutMs: READY_TIMEOUT_MS,
    onUnexpectedExit: (message) => console.error(message),
  });
  const setRules = async (rules: readonly FaultRule[]): Promise<void> => {
    await callControl(control, 'POST', 'rules', rules);
    await callControl(control, 'DELETE', 'fired');
  };
  try {
    // No rule is set yet, so that warming up uses none of their `times`.
    if (protocol === 'http') await warmUp(endpoint);
    await setRules(options.rules ?? []);
  } catch (error) {
    await process.stop();
    throw error;
  }
  return {
    endpoint,
    setRules,
    fired: async () => (await callControl(control, 'GET', 'fired?limit=1000')) as FiredFault[],
    stop: () => process.stop(),
  };
}

/** One call to each service with a made-up key: the emulator refuses it, the proxy has learned the service. */
async function warmUp(endpoint: string): Promise<void> {
  for (const service of WARMED_SERVICES) {
    await fetch(endpoint, {
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=WARMUP/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
    }).then((answer) => answer.arrayBuffer());
  }
}

async function callControl(control: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${control}/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
  });
  if (!answer.ok)
    throw new Error(`The fault proxy answered ${answer.status} to ${method} ${path}: ${await answer.text()}`);
  return answer.json();
}
