import { isWildcard, overlap } from "./host-pattern.ts";

/** Items by the hosts that they are for. A host costs a look-up for each of its labels. */
export class PatternIndex<T> {
  readonly #exact = new Map<string, Set<T>>();
  /** By what stands behind the first label, then by the wildcard itself. They are few. */
  readonly #wildcards = new Map<string, Map<string, Set<T>>>();

  add(host: string, item: T): void {
    const place = this.#placeOf(host);
    const items = place.get(host);
    if (items === undefined) place.set(host, new Set([item]));
    else items.add(item);
  }

  delete(host: string, item: T): void {
    const place = this.#placeOf(host);
    const items = place.get(host);
    items?.delete(item);
    if (items?.size === 0) place.delete(host);
    if (place !== this.#exact && place.size === 0) this.#wildcards.delete(endOf(host));
  }

  /** Whether an item is for exactly this host. */
  has(host: string): boolean {
    return isWildcard(host) ? this.#wildcards.get(endOf(host))?.has(host) === true : this.#exact.has(host);
  }

  /** Items for the host, or for a wildcard that includes it; also for what a wildcard includes. */
  matching(host: string): ReadonlySet<T> {
    const found = new Set<T>();
    for (const items of isWildcard(host) ? this.#overlapping(host) : this.#including(host)) for (const item of items) found.add(item);
    return found;
  }

  *#including(host: string): Generator<ReadonlySet<T>> {
    const exact = this.#exact.get(host);
    if (exact !== undefined) yield exact;
    if (this.#wildcards.size === 0) return;
    for (const end of endsOf(host)) for (const [pattern, items] of this.#wildcards.get(end) ?? []) if (overlap(pattern, host)) yield items;
  }

  *#overlapping(host: string): Generator<ReadonlySet<T>> {
    for (const place of [this.#exact, ...this.#wildcards.values()])
      for (const [pattern, items] of place) if (overlap(pattern, host)) yield items;
  }

  #placeOf(host: string): Map<string, Set<T>> {
    if (!isWildcard(host)) return this.#exact;
    const known = this.#wildcards.get(endOf(host));
    if (known !== undefined) return known;
    const place = new Map<string, Set<T>>();
    this.#wildcards.set(endOf(host), place);
    return place;
  }
}

/** What stands behind the first label, which is the one that may have a `*`: `.b.c` of `*.b.c`. */
function endOf(wildcard: string): string {
  const dot = wildcard.indexOf(".");
  return dot < 0 ? "" : wildcard.slice(dot);
}

/** `.b.c`, `.c` and the empty end of `a.b.c`. */
function* endsOf(host: string): Generator<string> {
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) yield host.slice(dot);
  yield "";
}
