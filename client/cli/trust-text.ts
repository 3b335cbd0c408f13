import { holdersWho } from '../../domain/evidence/trust-succession.ts';
import type { ShownTrust } from '../trust-desk.ts';

/** A trust document for people: the whole of it is in `--json`. */
export function trustText({ version, digest, index, isExpired, document }: ShownTrust): string {
  const { root, people, services } = document;
  const { missing: holders } = holdersWho(root, []);
  const since = index === null ? 'pinned; the log does not name it yet' : `in force from entry ${index}`;
  const expiry = isExpired
    ? `EXPIRED at ${root.expiresAt}: nothing moves forward until the root signs a next version`
    : `expires at ${root.expiresAt}`;
  const line = (name: string, what: string) => `  ${name.padEnd(24)}  ${what}\n`;
  return [
    `Version ${version} of the trust document of ${document.environment}, ${digest}\n`,
    `${since}; ${expiry}\n`,
    `Root: ${root.threshold} of ${holders.join(', ')}\n`,
    'People:\n',
    ...people.map(({ subject, roles, teams, keys }) =>
      line(subject, `${roles.join(', ')}; ${teams.join(', ')}; ${countOf(keys.length, 'key')}`),
    ),
    'Services:\n',
    ...services.map(({ name, role, keys }) => line(name, `${role}; ${countOf(keys.length, 'key')}`)),
  ].join('');
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
