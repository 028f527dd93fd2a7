import type { Resolution } from "./resolver.ts";

/** A look-up under way. */
export interface PendingLookup {
  readonly result: Promise<Resolution>;
  /** The same, but the expired answer when the look-up takes too long. Only where there is an expired answer to use. */
  soon: Promise<Resolution> | undefined;
  /** Whether it takes too long by now. */
  isLate: boolean;
}

/** Look-ups at a time. Each costs two questions, and memory until they are answered or given up. */
const MAX_PENDING = 1_000;
/** Of these, for the callers of one namespace: names that no server answers must not keep the others from being looked up. */
const MAX_PENDING_OF_NAMESPACE = 250;

/** The look-ups under way: one for each target, however many requests wait for it. */
export class PendingLookups {
  readonly #byTarget = new Map<string, PendingLookup>();
  readonly #byNamespace = new Map<string, number>();

  of(target: string): PendingLookup | undefined {
    return this.#byTarget.get(target);
  }

  /** Whether another one may begin. @param namespace of the caller; undefined for an external host */
  hasRoom(namespace: string | undefined): boolean {
    const ofNamespace = this.#byNamespace.get(namespace ?? "") ?? 0;
    return this.#byTarget.size < MAX_PENDING && ofNamespace < MAX_PENDING_OF_NAMESPACE;
  }

  /** Keeps a look-up until it ends. */
  add(target: string, namespace: string | undefined, lookup: PendingLookup): void {
    const share = namespace ?? "";
    this.#byTarget.set(target, lookup);
    this.#byNamespace.set(share, (this.#byNamespace.get(share) ?? 0) + 1);
    const end = () => {
      this.#byTarget.delete(target);
      const left = (this.#byNamespace.get(share) ?? 1) - 1;
      if (left === 0) this.#byNamespace.delete(share);
      else this.#byNamespace.set(share, left);
    };
    // Handled here whatever becomes of it: where an expired answer was used, nobody else waits for it.
    lookup.result.then(end, end);
  }
}
