import { compareText } from "@fenceline/api/vocabulary";

/** More changes than this between two look-ups, and sorting anew costs less. */
const MOST_CHANGES = 256;

/** Hosts in the order of their letters from the end: those with the same ending stand in a row. */
export class HostsByEnding {
  readonly #all: () => Iterable<string>;
  /** Backwards. Undefined until somebody asks. */
  #sorted: string[] | undefined;
  #changes = 0;

  /** @param all every host that was added and not deleted */
  constructor(all: () => Iterable<string>) {
    this.#all = all;
  }

  /** @param host one that was not there */
  added(host: string): void {
    const text = backwards(host);
    this.#change((sorted) => sorted.splice(placeOf(sorted, text), 0, text));
  }

  /** @param host one that was there */
  deleted(host: string): void {
    const text = backwards(host);
    this.#change((sorted) => sorted.splice(placeOf(sorted, text), 1));
  }

  /** Every host that ends so; of a wildcard counts what stands behind its `*`. */
  *endingWith(ending: string): Generator<string> {
    const sorted = this.#sorted ?? [...this.#all()].map(backwards).sort(compareText);
    this.#sorted = sorted;
    this.#changes = 0;
    const start = backwards(ending);
    for (let at = placeOf(sorted, start); at < sorted.length; at += 1) {
      const text = sorted[at];
      if (text?.startsWith(start) !== true) return;
      yield backwards(text);
    }
  }

  #change(change: (sorted: string[]) => void): void {
    if (this.#sorted === undefined) return;
    this.#changes += 1;
    if (this.#changes > MOST_CHANGES) this.#sorted = undefined;
    else change(this.#sorted);
  }
}

/** By code units, so that twice gives the same text whatever it holds. */
function backwards(text: string): string {
  return text.split("").reverse().join("");
}

/** Where a text stands, or would stand. */
function placeOf(sorted: readonly string[], text: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? "") < text) from = middle + 1;
    else to = middle;
  }
  return from;
}
