import { type ObjectRef, refText } from "@fenceline/api";
import type { Obstacle } from "@fenceline/store";

/** What stands in the way of one object alone, and says nothing of others. */
const OF_ONE: ReadonlySet<Obstacle["reason"]> = new Set([
  "Conflict",
  "WriteRefused",
  "WriteAltered",
  "DeletionHeldUp",
  "WriteTooLarge",
  "QuotaExceeded",
  "NamespaceTerminating",
  "NameTooLong",
  "Contested",
]);

/** An object of ours, and what stands in the way of what is rendered for it. */
export interface ObstructedOwner {
  readonly owner: ObjectRef;
  readonly obstacle: Obstacle;
}

/**
 * Tells whether all writes of rendered objects fail. It says so when every write since the last
 * success failed for a reason that is not about one object, and these writes were in more than one
 * namespace or for every object that there is. One namespace without a right must not stop the
 * others.
 */
export class BlockedWrites {
  /** Owners that failed since a write succeeded. */
  readonly #failed = new Set<string>();

  /** What became of a write of something rendered. */
  wrote(owner: ObjectRef, hasFailed: boolean): void {
    if (hasFailed) this.#failed.add(refText(owner));
    else this.#failed.clear();
  }

  /**
   * Why nothing can be written; undefined when something can, or nobody knows.
   *
   * @param obstructed by object of ours
   * @param wanting how many objects of ours have something rendered for them, or are to have
   */
  reason(obstructed: readonly ObstructedOwner[], wanting: number): string | undefined {
    const failed = obstructed.filter(({ owner, obstacle }) => this.#failed.has(refText(owner)) && !OF_ONE.has(obstacle.reason));
    const [first] = failed;
    if (first === undefined) return undefined;
    const owners = new Set(failed.map(({ owner }) => refText(owner)));
    const namespaces = new Set(failed.map(({ owner }) => owner.namespace));
    if (namespaces.size < 2 && owners.size < wanting) return undefined;
    return `nothing can be written, ${first.obstacle.reason}: ${first.obstacle.message}`;
  }
}
