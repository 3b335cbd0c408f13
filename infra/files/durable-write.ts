import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a file that is there whole and for good when this resolves; false, and nothing done, when the name is taken. */
export async function createFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = await writeTemporary(path, bytes);
  try {
    await link(temporary, path);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Puts a file under a name, whatever was there; a reader, or a crash, finds the old bytes or the new ones, whole. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  await rename(await writeTemporary(path, bytes), path);
  await syncFolder(dirname(path));
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await openIn(dirname(path), temporary);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
}

async function openIn(folder: string, path: string) {
  try {
    return await open(path, 'wx', 0o644);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    await makeFolder(folder);
    return open(path, 'wx', 0o644);
  }
}

/** A folder's own name lies in its parent, which must be on disk as well. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
