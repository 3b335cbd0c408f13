import type {
  ChainedObject,
  StoredName,
  StoredObjects,
  StoredPart,
} from '../activities/ports/stored-objects.ts';
import { DomainError } from '../domain/errors.ts';
import { openOrNull, snapshotIn } from '../domain/evidence/audit-entries.ts';
import { type Digest, digestOfBytes } from '../domain/evidence/canonical-json.ts';
import { judgeVersion } from '../domain/evidence/judge-version.ts';
import { bodiesInPlan } from '../domain/evidence/read-plan.ts';
import type { Checkpoint } from '../domain/log/checkpoint.ts';
import { createFold } from '../domain/log/fold.ts';
import { genesisDigest, logObjectName } from '../domain/log/log-object.ts';
import { sameBytes } from '../domain/log/merkle-tree.ts';
import { EMPTY_EDGE, edgeRoot, growTree, partialFiles, type TileFile } from '../domain/log/tree-edge.ts';
import type { EvidenceSource } from './audit/evidence-source.ts';
import { firstDifference } from './first-difference.ts';
import { NamedBodies, type NamedBody } from './named-bodies.ts';
import { createPrefixes, judgeSnapshot, type ListedSnapshot, type LogToFold } from './snapshots.ts';
import { describeDamage, finding, PAGE, type StoreFinding, UNREPAIRABLE } from './store-finding.ts';

export interface StoreReport {
  environment: string;
  /** Entries in the log. */
  size: number;
  /** Entries that the published checkpoint covers; null where none is published. */
  covered: number | null;
  /** How many objects were looked at. */
  objects: number;
  /** Entries that count for nothing, whoever put them: no damage, and nothing is served from them. */
  ignored: { entry: number; reason: string }[];
  findings: StoreFinding[];
}

export interface StoreToCheck extends LogToFold {
  /** The newest that is to be believed; null where none is published. Throws `LOG_FORKED`. */
  checkpoint(): Promise<Checkpoint | null>;
  tile: EvidenceSource['tile'];
  /** Reads the log as this machine remembers it. Throws `LOG_FORKED` when it got shorter or was replaced. */
  remembered(): Promise<unknown>;
}

/** What must be under a name. */
interface Expected {
  name: string;
  entry: number | null;
  /** Why bytes are not what belongs there; null when they are. */
  wrong(bytes: Uint8Array): string | null;
  /** The bytes themselves, where the log makes them. */
  bytes?: Uint8Array;
}

interface FirstLook {
  /** Entries in the log then: what comes later is not looked at. */
  size: number;
  /** At which a snapshot is said to have been taken. */
  sizes: ReadonlySet<number>;
  /** Whether the log is the one that its witnesses cosigned, as far as they did. */
  isWhole: boolean;
}

const PARTS: readonly StoredPart[] = ['log', 'bodies', 'snapshots', 'tiles'];
const CONCURRENT_LOOKS = 16;

/**
 * Looks at every object that the log names: its own objects along the chain, the bodies, version statements and
 * snapshots of honoured entries, the tiles and the checkpoint. With `repair` the first version that is right is put
 * back under its name. Throws what `StoredObjects` throws; what is wrong is a finding.
 */
export async function checkStore(
  source: StoreToCheck,
  { repair }: { repair: boolean },
): Promise<StoreReport> {
  const check = new Check(source, repair);
  return check.run();
}

class Check {
  readonly #source: StoreToCheck;
  readonly #objects: StoredObjects;
  readonly #repair: boolean;
  readonly #findings: StoreFinding[] = [];
  readonly #ignored: StoreReport['ignored'] = [];
  readonly #looked = new Set<string>();
  readonly #stored = new Map<string, StoredName>();

  constructor(source: StoreToCheck, repair: boolean) {
    this.#source = source;
    this.#objects = source.objects;
    this.#repair = repair;
  }

  async run(): Promise<StoreReport> {
    const { environment } = this.#source;
    const checkpoint = await this.#unlessForked('checkpoint', () => this.#source.checkpoint());
    await this.#unlessForked('log', () => this.#source.remembered());
    const look = await this.#firstLook(checkpoint ?? null);
    // After the log was read, so that whatever it names until then is listed.
    for (const part of PARTS) {
      for (const [name, stored] of await this.#objects.list(part)) this.#stored.set(name, stored);
    }
    const { size } = look;
    await this.#walk(look, look.isWhole ? (checkpoint ?? null) : null);
    const covered = checkpoint?.size ?? null;
    const [ignored, findings] = [this.#ignored, this.#findings];
    return { environment, size, covered, objects: this.#looked.size, ignored, findings };
  }

  /** A log or checkpoint that is not to be believed is a finding, and not the end of the check. */
  async #unlessForked<T>(what: 'checkpoint' | 'log', read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'LOG_FORKED') throw error;
      const { environment } = this.#source;
      const name = what === 'log' ? `log/${environment}/` : this.#objects.names.tile('checkpoint');
      const { message, details } = error;
      this.#findings.push(finding(name, null, 'altered', message, details.next ?? PAGE));
      return undefined;
    }
  }

  /** At which sizes snapshots are said to be, and whether the log is the one that the checkpoint covers. */
  async #firstLook(checkpoint: Checkpoint | null): Promise<FirstLook> {
    const { environment } = this.#source;
    const sizes = new Set<number>();
    const covered = checkpoint?.size ?? 0;
    let edge = EMPTY_EDGE;
    let isWhole = true;
    let place = { first: 0, previous: genesisDigest(environment) };
    const objects: Pick<ChainedObject, 'name' | 'first'>[] = [];
    for await (const { name, first, digest, entries } of this.#objects.log()) {
      objects.push({ name, first });
      for (const bytes of entries) {
        const snapshot = snapshotIn(bytes);
        if (snapshot) sizes.add(snapshot.size);
        if (checkpoint === null || edge.size >= covered) continue;
        edge = growTree(edge, [bytes]).edge;
        if (edge.size === covered) isWhole = sameBytes(edgeRoot(edge), checkpoint.root);
      }
      place = { first: first + entries.length, previous: digest };
    }
    if (checkpoint && place.first < covered) {
      isWhole = false;
      const name = logObjectName(environment, place.first, place.previous);
      const message = `The log ends before entry ${place.first}; its witnesses cosigned ${covered} entries.`;
      this.#findings.push(finding(name, place.first, 'missing', message, UNREPAIRABLE));
    } else if (checkpoint && !isWhole) {
      await this.#nameFirstDifference(checkpoint, objects);
    }
    return { sizes, isWhole, size: place.first };
  }

  /** The log has as many entries as were cosigned, and they are others: the tiles say from where on. */
  async #nameFirstDifference(
    { size }: Checkpoint,
    objects: readonly Pick<ChainedObject, 'name' | 'first'>[],
  ): Promise<void> {
    const entry = await firstDifference(this.#objects, this.#source.tile, size);
    const name =
      objects.findLast(({ first }) => first <= (entry ?? 0))?.name ?? `log/${this.#source.environment}/`;
    const message = `The first ${size} entries of the log are not those that its witnesses cosigned.`;
    this.#findings.push(finding(name, entry, 'altered', message, UNREPAIRABLE));
  }

  /** Folds the log again, and looks at all that it names. */
  async #walk({ size, sizes }: FirstLook, checkpoint: Checkpoint | null): Promise<void> {
    const fold = createFold(this.#source);
    const named = new NamedBodies();
    const snapshots: ListedSnapshot[] = [];
    const prefixes = createPrefixes(this.#source.environment, sizes);
    prefixes.note(fold.state);
    let edge = EMPTY_EDGE;
    for await (const { name, digest, first, entries } of this.#objects.log()) {
      if (first >= size) break;
      await this.#lookAtLogObject({ name, entry: first, wrong: digestIs(digest) });
      for (const bytes of entries) {
        const { index, ...fate } = fold.apply(bytes);
        if (fate.fate === 'inert') this.#ignored.push({ entry: index, reason: fate.reason });
        const said = fate.fate === 'honoured' ? openOrNull(bytes) : null;
        if (said?.type === 'snapshot') snapshots.push({ ...said.predicate, index });
        else if (said) named.add(said, index, fold.judge);
      }
      prefixes.note(fold.state, digest);
      const grown = growTree(edge, entries.slice(0, Math.max(0, (checkpoint?.size ?? 0) - first)));
      edge = grown.edge;
      await this.#lookAtTiles(grown.full);
    }
    if (checkpoint) await this.#lookAtTiles(partialFiles(edge, 0));
    await this.#lookAtBodies(named);
    for (const one of snapshots) await this.#lookAtSnapshot(one, prefixes.digests.get(one.size));
  }

  /** The chain was read from first versions, so only what lies over one is still to be looked at. */
  async #lookAtLogObject(expected: Expected): Promise<void> {
    const stored = this.#stored.get(expected.name);
    if (stored?.versions.length === 1 && !stored.isDeleted) this.#looked.add(expected.name);
    else await this.#look(expected);
  }

  async #lookAtTiles(files: readonly TileFile[]): Promise<void> {
    const { names } = this.#objects;
    await Promise.all(
      files.map(({ path, bytes }) =>
        this.#look({
          name: names.tile(path),
          entry: null,
          wrong: (found) => (sameBytes(found, bytes) ? null : 'it is not what the entries make'),
          bytes,
        }),
      ),
    );
  }

  async #lookAtBodies(named: NamedBodies): Promise<void> {
    const lookAt = async ({ digest, entry, isPlan, version }: NamedBody): Promise<Uint8Array | null> => {
      const name = this.#objects.names.body(digest);
      const bytes = await this.#look({ name, entry, wrong: digestIs(digest) });
      if (bytes === null) return null;
      const violations = version ? judgeVersion(bytes, version.move, version.context, version.judge) : [];
      for (const { message, remedy } of violations) {
        this.#findings.push(finding(name, entry, 'disagrees', message, remedy));
      }
      return isPlan ? bytes : null;
    };
    for (const group of groupsOf([...named.all()])) {
      const plans = await Promise.all(
        group.map(async (one) => ({ entry: one.entry, bytes: await lookAt(one) })),
      );
      for (const { entry, bytes } of plans) {
        if (bytes) for (const digest of bodiesInPlan(bytes)) named.name({ digest, entry });
      }
    }
    // What plans name comes to light only now.
    for (const group of groupsOf([...named.all()])) await Promise.all(group.map(lookAt));
  }

  async #lookAtSnapshot(snapshot: ListedSnapshot, prefix: Digest | undefined): Promise<void> {
    const { index: entry, stateDigest } = snapshot;
    const name = this.#objects.names.snapshot(snapshot);
    const bytes = await this.#look({ name, entry, wrong: digestIs(stateDigest) });
    if (bytes === null) return;
    const { result, why } = judgeSnapshot(snapshot, bytes, prefix);
    if (result !== 'different') return;
    const next = 'Page: the orchestrator signed a state that is not that of the log. Take a new snapshot.';
    this.#findings.push(
      finding(name, entry, 'disagrees', `It is not the state of its prefix: ${why}.`, next),
    );
  }

  /** Once a name. Returns the bytes that are right; null when they are not there, or were looked at before. */
  async #look(expected: Expected): Promise<Uint8Array | null> {
    const { name, entry } = expected;
    if (this.#looked.has(name)) return null;
    this.#looked.add(name);
    const versions = this.#stored.get(name)?.versions ?? [];
    const newest = this.#stored.get(name)?.isDeleted ? undefined : versions.at(-1);
    const found = newest && (await this.#objects.read(name, newest.versionId));
    if (found && expected.wrong(found) === null) return found;
    const right = expected.bytes ?? (await this.#firstRight(expected, versions));
    const { damage, message } = describeDamage(name, found ?? null, right, versions.length, expected.wrong);
    const failure = await this.#tryRepair(name, right, newest?.tag ?? null);
    this.#findings.push({ name, entry, damage, message, isRepaired: failure === null, next: failure });
    return right;
  }

  async #firstRight({ name, wrong }: Expected, versions: StoredName['versions']): Promise<Uint8Array | null> {
    for (const { versionId } of versions) {
      const bytes = await this.#objects.read(name, versionId);
      if (wrong(bytes) === null) return bytes;
    }
    return null;
  }

  /** Null when it is done, else what is left to do. */
  async #tryRepair(name: string, right: Uint8Array | null, over: string | null): Promise<string | null> {
    if (right === null) return UNREPAIRABLE;
    if (!this.#repair) return 'Run `resilience-ctl store check --repair` to put it back.';
    try {
      await this.#objects.restore(name, right, over);
      return null;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return `It could not be put back: ${error.message} ${error.details.next ?? ''}`.trim();
    }
  }
}

function digestIs(digest: Digest): (bytes: Uint8Array) => string | null {
  return (bytes) => {
    const found = digestOfBytes(bytes);
    return found === digest ? null : `it has the digest ${found}, not ${digest}`;
  };
}

function* groupsOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += CONCURRENT_LOOKS) yield all.slice(at, at + CONCURRENT_LOOKS);
}
