import { diffDocuments } from '../../domain/change/document-diff.ts';
import { isJsonObject, pointerTo } from '../../domain/kinds/json-pointer.ts';
import type { IgnoredMove, StoredState, StoredVersion } from '../store.ts';
import { editLines } from './document-plan-text.ts';
import { diffLine, type Style } from './style.ts';
import { localTime } from './time-text.ts';

/** `config/payments/timeouts 1.2.0`; records have no version, so the entry stands for it. */
export function versionName({ resource, version, digest, index }: StoredVersion): string {
  return `${resource} ${digest === null ? '(removed)' : (version ?? `@entry:${index}`)}`;
}

function provenance({ index, at, changeId, author }: StoredVersion): string {
  return `entry ${index}  ${localTime(at)}  ${changeId}  ${author ?? '-'}`;
}

export function bodyText(version: StoredVersion, body: unknown, style: Style): string {
  const head = `${style('bold', versionName(version))}\n${style('dim', provenance(version))}\n`;
  return `${head}${version.digest ?? 'removed'}\n\n${body === undefined ? '' : `${JSON.stringify(body, null, 2)}\n`}`;
}

/** Newest first, as git does. */
export function versionsText(versions: readonly StoredVersion[], style: Style): string {
  const blocks = versions.map((one) => {
    const dependencies = one.dependsOn.map((needed) => `    needs   ${needed}\n`).join('');
    return (
      `${style('yellow', versionName(one))}\n` +
      `    Change  ${one.changeId} by ${one.author ?? '-'}\n` +
      `    Live    ${localTime(one.at)}, entry ${one.index}\n` +
      `    Digest  ${one.digest ?? 'removed'}\n${dependencies}`
    );
  });
  return blocks.reverse().join('\n');
}

export function asOfText({ size, ambiguous }: StoredState, style: Style): string {
  const doubt = ambiguous
    ? '; later commits are signed with earlier times: a clock went back, and the order of the log counts'
    : '';
  return style('dim', `As of ${size === 0 ? 'before the first entry' : `entry ${size - 1}`}${doubt}.\n`);
}

const MAX_IGNORED = 5;

export function ignoredText(ignored: readonly IgnoredMove[]): string {
  const lines = ignored.slice(0, MAX_IGNORED).map(({ index, resources, reason }) => {
    const what = resources.length === 0 ? '' : `, though it says that it moves ${resources.join(', ')}`;
    return `Entry ${index} counts for nothing${what}: ${reason}.\n`;
  });
  const more = ignored.length - lines.length;
  return (
    lines.join('') + (more > 0 ? `${more} more entries count for nothing: see \`resilience-ctl log\`.\n` : '')
  );
}

export function listText(versions: readonly StoredVersion[], style: Style): string {
  const width = Math.max(0, ...versions.map(({ resource }) => resource.length));
  return versions
    .map((one) => `${one.resource.padEnd(width)}  ${(one.version ?? '-').padEnd(8)}  ${provenance(one)}\n`)
    .map((line) => style('bold', line.slice(0, width)) + line.slice(width))
    .join('');
}

export interface Difference {
  before: StoredVersion | null;
  after: StoredVersion | null;
  edits: ReturnType<typeof diffDocuments>;
}

export function differenceText({ before, after, edits }: Difference, style: Style): string {
  const side = (sign: string, one: StoredVersion | null) =>
    diffLine(`${sign} ${one ? `${versionName(one)}  ${provenance(one)}` : 'nothing'}`, style);
  const lines = edits.flatMap(editLines).map((line) => `  ${diffLine(line, style)}`);
  return `${[side('---', before), side('+++', after), ...lines].join('\n')}\n`;
}

export interface Blamed {
  /** JSON Pointer of a scalar, or of an empty object or array. */
  path: string;
  value: unknown;
  by: StoredVersion;
}

/** Which version gave each value that is there now. Versions oldest first, each with its body. */
export function blame(versions: readonly { version: StoredVersion; body: unknown }[]): Blamed[] {
  const last = versions.at(-1);
  if (!last) return [];
  const steps = versions.map(({ version, body }, i) => ({
    version,
    edits: diffDocuments(versions[i - 1]?.body, body),
  }));
  return leavesOf('', last.body).map(({ path, value }) => {
    const giver = steps.findLast(({ edits }) =>
      edits.some((edit) => path === edit.path || path.startsWith(`${edit.path}/`)),
    );
    return { path, value, by: giver?.version ?? last.version };
  });
}

function leavesOf(path: string, value: unknown): { path: string; value: unknown }[] {
  const members = Array.isArray(value)
    ? [...value.entries()]
    : isJsonObject(value)
      ? Object.entries(value)
      : [];
  if (members.length > 0) return members.flatMap(([key, one]) => leavesOf(pointerTo(path, key), one));
  return value === undefined ? [] : [{ path, value }];
}

export function blameText(blamed: readonly Blamed[], style: Style): string {
  const who = blamed.map(
    ({ by }) => `${by.version ?? `@entry:${by.index}`}  ${by.changeId}  ${by.author ?? '-'}`,
  );
  const width = Math.max(0, ...who.map((one) => one.length));
  return blamed
    .map(({ by, path, value }, i) => {
      const start = `${(who[i] ?? '').padEnd(width)}  ${localTime(by.at)}`;
      return `${style('dim', start)}  ${path || '(whole document)'}: ${JSON.stringify(value)}\n`;
    })
    .join('');
}
