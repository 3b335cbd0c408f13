import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type ErrorCode, PortError } from '../../domain/errors.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';

type FailingPort = 'dns' | 'log' | 'bodies' | 'signer';

/** One fault around one call of a port. It is plain JSON, so that a process can be handed some. */
export interface Failpoint {
  port: FailingPort;
  method: string;
  when: 'before' | 'after';
  /** The call's arguments, as JSON with envelopes opened, contain all of these. */
  about: readonly string[];
  /** `kill`: SIGKILL to the own process; `stop`: SIGSTOP; `throw`: as if the service were down. */
  action: 'kill' | 'stop' | 'throw';
  /** How often it fires, over all processes; the default is once. */
  times?: number;
  /** This file gets a line whenever it fires: a test must see that its fault did happen. */
  marker: string;
}

/** How a process stands still, or ends. */
export type Act = (action: 'kill' | 'stop') => Promise<void>;

const DOWN: Record<FailingPort, ErrorCode> = {
  dns: 'DNS_UNAVAILABLE',
  log: 'STORE_UNAVAILABLE',
  bodies: 'STORE_UNAVAILABLE',
  signer: 'SIGNER_UNAVAILABLE',
};

/** The same ports, with the faults built in. What a stopped call returned in the end is in `<marker>.result`. */
export function withFailpoints(ports: OpenedPorts, failpoints: readonly Failpoint[], act: Act): OpenedPorts {
  const failing = <Port extends object>(name: FailingPort, port: Port): Port => {
    const own = failpoints.filter((one) => one.port === name);
    return new Proxy(port, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key);
        const here = own.filter((one) => one.method === key);
        if (typeof member !== 'function' || here.length === 0) return member;
        return (...args: unknown[]) => failingCall(here, act, args, () => member.apply(target, args));
      },
    });
  };
  return {
    ...ports,
    dns: failing('dns', ports.dns),
    log: failing('log', ports.log),
    bodies: failing('bodies', ports.bodies),
    signer: failing('signer', ports.signer),
  };
}

async function failingCall(
  failpoints: readonly Failpoint[],
  act: Act,
  args: unknown[],
  call: () => Promise<unknown>,
): Promise<unknown> {
  const text = textOf(args);
  const due = failpoints.filter(({ about }) => about.every((part) => text.includes(part)));
  const stopped = await fire(due, 'before', act, text);
  const answer = await call().catch((error: unknown) => {
    if (stopped) writeFileSync(`${stopped.marker}.result`, String(error));
    throw error;
  });
  if (stopped) writeFileSync(`${stopped.marker}.result`, textOf(answer));
  await fire(due, 'after', act, text);
  return answer;
}

async function fire(
  due: readonly Failpoint[],
  when: Failpoint['when'],
  act: Act,
  text: string,
): Promise<Failpoint | undefined> {
  const failpoint = due.find((one) => one.when === when && firedTimes(one.marker) < (one.times ?? 1));
  if (failpoint === undefined) return undefined;
  appendFileSync(failpoint.marker, `${when} ${text}\n`);
  if (failpoint.action === 'throw') {
    throw new PortError(
      DOWN[failpoint.port],
      `${failpoint.port}.${failpoint.method} failed, as the test wants.`,
      {
        next: 'Nothing: it is a test.',
      },
    );
  }
  await act(failpoint.action);
  return failpoint;
}

export function firedTimes(marker: string): number {
  return existsSync(marker) ? readFileSync(marker, 'utf8').trimEnd().split('\n').length : 0;
}

/** One line; errors with their message, and what envelopes carry as the JSON that it is. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (part instanceof Error) return String(part);
    return key === 'payload' && typeof part === 'string'
      ? JSON.parse(Buffer.from(part, 'base64').toString('utf8'))
      : part;
  });
}
