/** One object of a group commit holds at most so much, unless one call alone brings more. */
const MAX_GROUP_ENTRIES = 256;
const MAX_GROUP_BYTES = 1024 * 1024;

interface Call<Item, Fate> {
  items: readonly Item[];
  resolve: (fates: Fate[]) => void;
  reject: (error: unknown) => void;
}

/**
 * While one write is under way, further calls wait and share the next one. `write` gets the items of whole calls, in
 * order, and answers with a fate for each; its error is everybody's who shared it.
 */
export function createGroupCommit<Item extends { bytes: Uint8Array }, Fate>(
  inTurn: (task: () => Promise<void>) => Promise<void>,
  write: (items: readonly Item[]) => Promise<Fate[]>,
): (items: readonly Item[]) => Promise<Fate[]> {
  let waiting: readonly Call<Item, Fate>[] = [];
  let scheduled = false;

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    // It answers its calls itself and never rejects.
    void inTurn(commitNext);
  }

  async function commitNext(): Promise<void> {
    const { group, rest } = takeGroup(waiting);
    waiting = rest;
    try {
      const fates = await write(group.flatMap(({ items }) => items));
      let next = 0;
      for (const { items, resolve } of group) {
        resolve(fates.slice(next, next + items.length));
        next += items.length;
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    scheduled = false;
    schedule();
  }

  return (items) =>
    new Promise((resolve, reject) => {
      waiting = [...waiting, { items, resolve, reject }];
      schedule();
    });
}

/** As many waiting calls, in order, as go into one object; at least one. */
function takeGroup<Item extends { bytes: Uint8Array }, Fate>(waiting: readonly Call<Item, Fate>[]) {
  let entryCount = 0;
  let byteCount = 0;
  const end = waiting.findIndex(({ items }, i) => {
    entryCount += items.length;
    byteCount += items.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return i > 0 && (entryCount > MAX_GROUP_ENTRIES || byteCount > MAX_GROUP_BYTES);
  });
  const count = end === -1 ? waiting.length : end;
  return { group: waiting.slice(0, count), rest: waiting.slice(count) };
}
