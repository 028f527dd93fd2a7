import { isWide, type LimitPlace, placeText, widePlaceText } from "./limit-place.ts";
import type { LimitRule } from "./limit-rules.ts";

/**
 * Most characters of one EnvoyFilter. etcd accepts objects of 1.5 MiB, and istiod sends all of it
 * to each pod.
 */
const MOST_CHARACTERS = 1024 * 1024;
/** Characters of each place without its rules. */
const PLACE_SIZE = 1_200;

/**
 * The rules for some pods for which one EnvoyFilter has no room. A rule is at each of its places,
 * and a rule of a wide place also at each narrower one, so a text of a few kilobytes can ask for
 * gigabytes.
 *
 * @param rules those of the oldest limiter first: a new one takes room from none
 */
export function rulesWithoutRoom(rules: readonly LimitRule[]): readonly LimitRule[] {
  const size = new FilterSize();
  return rules.filter((rule) => !size.take(rule));
}

/** The size of an EnvoyFilter, rule by rule, without making it. */
class FilterSize {
  #size = 0;
  readonly #places = new Set<string>();
  /** By wide place: size of its rules, and how many narrow places are in it. */
  readonly #wide = new Map<string, { size: number; narrow: number }>();

  /** @returns false where there is no room for the rule */
  take(rule: LimitRule): boolean {
    const places = new Map(rule.places.map((place) => [placeText(place), place]));
    const added = [...places.values()].reduce((sum, place) => sum + this.#added(place, rule.size), 0);
    if (this.#size + added > MOST_CHARACTERS) return false;
    this.#size += added;
    for (const [text, place] of places) {
      const wide = this.#wideOf(place);
      if (isWide(place)) wide.size += rule.size;
      else if (!this.#places.has(text)) wide.narrow += 1;
      this.#places.add(text);
      this.#wide.set(widePlaceText(place), wide);
    }
    return true;
  }

  #added(place: LimitPlace, size: number): number {
    const wide = this.#wideOf(place);
    const isNew = !this.#places.has(placeText(place));
    if (isWide(place)) return (isNew ? PLACE_SIZE : 0) + size * (1 + wide.narrow);
    return (isNew ? PLACE_SIZE + wide.size : 0) + size;
  }

  #wideOf(place: LimitPlace): { size: number; narrow: number } {
    return this.#wide.get(widePlaceText(place)) ?? { size: 0, narrow: 0 };
  }
}
