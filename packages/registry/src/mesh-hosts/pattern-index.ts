import { isWildcard } from "./host-pattern.ts";
import { HostsByEnding } from "./hosts-by-ending.ts";

/**
 * Items by the hosts that they are for. A look-up costs more for a longer host and for more
 * results, but not for more items with the same ending: anybody may write thousands.
 */
export class PatternIndex<T> {
  readonly #exact = new Map<string, Set<T>>();
  /** By the text after the first label, then by the wildcard itself. */
  readonly #wildcards = new Map<string, Map<string, Set<T>>>();
  readonly #endings = new HostsByEnding(() => this.#hosts());

  add(host: string, item: T): void {
    const items = this.#itemsFor(host);
    if (items !== undefined) {
      items.add(item);
      return;
    }
    this.#placeOf(host).set(host, new Set([item]));
    this.#endings.added(host);
  }

  delete(host: string, item: T): void {
    const items = this.#itemsFor(host);
    if (items?.delete(item) !== true || items.size > 0) return;
    const place = this.#placeOf(host);
    place.delete(host);
    if (place !== this.#exact && place.size === 0) this.#wildcards.delete(endOf(host));
    this.#endings.deleted(host);
  }

  /** Whether an item is for exactly this host. */
  has(host: string): boolean {
    return this.#itemsFor(host) !== undefined;
  }

  /** Whether {@link matching} finds an item. */
  matches(host: string): boolean {
    return this.#found(host).next().done !== true;
  }

  /** Items for the host, for a wildcard that includes it, or for a host that it includes. */
  matching(host: string): ReadonlySet<T> {
    return allOf(this.#found(host));
  }

  /** Items for the host, or for a wildcard that includes it. */
  including(host: string): ReadonlySet<T> {
    return allOf(this.#including(host));
  }

  *#found(host: string): Generator<ReadonlySet<T>> {
    yield* this.#including(host);
    if (!isWildcard(host)) return;
    for (const included of this.#endings.endingWith(host.slice(1))) {
      const items = this.#itemsFor(included);
      if (items !== undefined) yield items;
    }
  }

  *#including(host: string): Generator<ReadonlySet<T>> {
    const exact = isWildcard(host) ? undefined : this.#exact.get(host);
    if (exact !== undefined) yield exact;
    if (this.#wildcards.size === 0) return;
    const text = isWildcard(host) ? host.slice(1) : host;
    let start = 0;
    while (start <= text.length) {
      const dot = text.indexOf(".", start);
      const end = dot < 0 ? text.length : dot;
      const place = this.#wildcards.get(text.slice(end));
      if (place !== undefined) yield* wildcardsIn(place, text, start, end);
      start = end + 1;
    }
  }

  *#hosts(): Generator<string> {
    yield* this.#exact.keys();
    for (const place of this.#wildcards.values()) yield* place.keys();
  }

  #itemsFor(host: string): Set<T> | undefined {
    return isWildcard(host) ? this.#wildcards.get(endOf(host))?.get(host) : this.#exact.get(host);
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

function allOf<T>(found: Iterable<ReadonlySet<T>>): ReadonlySet<T> {
  const all = new Set<T>();
  for (const items of found) for (const item of items) all.add(item);
  return all;
}

/**
 * Those wildcards with the same ending that include a text. They differ in what follows the `*` in
 * the label from `start` to `end`. The loop goes over whichever are fewer.
 */
function* wildcardsIn<T>(place: ReadonlyMap<string, Set<T>>, text: string, start: number, end: number): Generator<ReadonlySet<T>> {
  if (place.size <= end - start) {
    for (const [wildcard, items] of place) if (text.endsWith(wildcard.slice(1))) yield items;
    return;
  }
  for (let at = start; at <= end; at += 1) {
    const items = place.get(`*${text.slice(at)}`);
    if (items !== undefined) yield items;
  }
}

/** The text after the first label, which alone may have a `*`: `.b.c` of `*.b.c`. */
function endOf(wildcard: string): string {
  const dot = wildcard.indexOf(".");
  return dot < 0 ? "" : wildcard.slice(dot);
}
