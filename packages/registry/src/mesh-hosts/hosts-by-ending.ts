import { compareText } from "@fenceline/api/vocabulary";

/** With more changes than this between two look-ups, sorting again costs less. */
const MOST_CHANGES = 256;

/** Hosts sorted by their letters from the end, so that those with the same ending are adjacent. */
export class HostsByEnding {
  readonly #all: () => Iterable<string>;
  /** The hosts reversed. Undefined until the first look-up. */
  #sorted: string[] | undefined;
  #changes = 0;

  /** @param all every host that was added and not deleted */
  constructor(all: () => Iterable<string>) {
    this.#all = all;
  }

  /** @param host one that was not in it */
  added(host: string): void {
    const text = backwards(host);
    this.#change((sorted) => sorted.splice(placeOf(sorted, text), 0, text));
  }

  /** @param host one that was in it */
  deleted(host: string): void {
    const text = backwards(host);
    this.#change((sorted) => sorted.splice(placeOf(sorted, text), 1));
  }

  /** Every host with this ending. For a wildcard the text after its `*` counts. */
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

/** By code units, so that reversing twice gives the same text, whatever it contains. */
function backwards(text: string): string {
  return text.split("").reverse().join("");
}

/** The place at which a text is, or would be inserted. */
function placeOf(sorted: readonly string[], text: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? "") < text) from = middle + 1;
    else to = middle;
  }
  return from;
}
