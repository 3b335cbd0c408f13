import type { Digest } from '../domain/evidence/canonical-json.ts';
import { bodiesNamed } from '../domain/evidence/export-layout.ts';
import type { VersionContext } from '../domain/evidence/judge-version.ts';
import type { Said } from '../domain/evidence/statement-codec.ts';
import type { Move } from '../domain/evidence/statements.ts';
import type { Judge } from '../domain/log/authority.ts';

export interface NamedBody {
  digest: Digest;
  entry: number;
  isPlan?: boolean;
  /** Of a version statement: what it must agree with. */
  version?: { move: Move; context: VersionContext; judge: Judge };
}

/** The bodies that honoured entries name, each by the first entry that does. */
export class NamedBodies {
  readonly #all = new Map<Digest, NamedBody>();
  readonly #authors = new Map<string, string>();

  all(): IterableIterator<NamedBody> {
    return this.#all.values();
  }

  name(body: NamedBody): void {
    if (!this.#all.has(body.digest)) this.#all.set(body.digest, body);
  }

  /** `judge`: of the entry. */
  add(said: Said, entry: number, judge: Judge): void {
    if (said.type === 'request') this.#authors.set(said.predicate.changeId, said.predicate.author);
    if (said.type === 'commit') {
      const { changeId, moves } = said.predicate;
      const { environment } = said.predicate;
      const context = { environment, changeId, author: this.#authors.get(changeId) ?? '' };
      for (const move of moves) {
        if (!move.versionDigest || !move.to) continue;
        this.name({ digest: move.to, entry });
        this.name({ digest: move.versionDigest, entry, version: { move, context, judge } });
      }
    }
    const planDigest = said.type === 'plan' ? said.predicate.planDigest : null;
    for (const digest of bodiesNamed(said)) this.name({ digest, entry, isPlan: digest === planDigest });
  }
}
