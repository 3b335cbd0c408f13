import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { Prober, ProbeSample } from '../../activities/ports/prober.ts';
import type { Probe } from '../../domain/change/request.ts';

const MAX_BODY_BYTES = 64 * 1024;

/**
 * One HTTP GET to one address, with the probe's own Host header (and SNI), no redirects, no connection reuse. Only
 * addresses inside `allowList` (CIDR ranges, asked for anew each time) are ever connected to, whatever a record says.
 */
export function createHttpProber(allowList: () => readonly string[]): Prober {
  return {
    async probe(target, address) {
      const startedMs = performance.now();
      const sample = (ok: boolean, detail?: string): ProbeSample => ({
        ok,
        latencyMs: performance.now() - startedMs,
        ...(detail === undefined ? {} : { detail }),
      });
      try {
        const ip = isIP(address) ? address : (await lookup(address)).address;
        if (!blockListOf(allowList()).check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')) {
          return sample(false, `${ip} is outside of the probe allow-list`);
        }
        return sample(...(await ask(target, ip)));
      } catch (error) {
        return sample(false, error instanceof Error ? error.message : String(error));
      }
    },
  };
}

function ask(target: Probe, ip: string): Promise<[ok: boolean, detail?: string]> {
  const send = target.scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      {
        host: ip,
        port: target.port,
        path: target.path,
        headers: { host: target.host, 'user-agent': 'resilience-ctl-probe' },
        servername: target.host,
        agent: false,
        signal: AbortSignal.timeout(target.timeoutMs),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (body.length < MAX_BODY_BYTES) body += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve(compare(target, response.statusCode, body)));
      },
    );
    request.on('error', reject);
    request.end();
  });
}

function compare(
  { expect }: Probe,
  status: number | undefined,
  body: string,
): [ok: boolean, detail?: string] {
  if (status !== expect.status) return [false, `status ${status}, expected ${expect.status}`];
  if (expect.bodyIncludes !== undefined && !body.includes(expect.bodyIncludes)) {
    return [false, `the answer does not include ${JSON.stringify(expect.bodyIncludes)}`];
  }
  return [true];
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
