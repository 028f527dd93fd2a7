import { type FieldPath, formatPath } from "../field-path.ts";
import { shortened } from "../foreign-text.ts";

/** Paths that {@link describeLeftOut} names: a status may have thousands of entries. */
const NAMED = 5;
/** And characters of each: a key may have a megabyte, and somebody write another each second. */
const LONGEST_NAMED = 300;
/** Paths that are kept. The rest is counted. */
const KEPT_PATHS = 100;

/**
 * What of a status is left out, since it cannot be read or is too much: a few paths, and how many
 * more. The `readStatus` of every kind gives it.
 */
export class LeftOut {
  readonly paths: string[] = [];
  /** What was left out beside {@link paths}. */
  unnamed = 0;

  /** @param count of what is left out there */
  add(path: FieldPath, count = 1): void {
    if (this.paths.length < KEPT_PATHS) this.paths.push(formatPath(path));
    else this.unnamed += 1;
    this.unnamed += count - 1;
  }

  /**
   * As many keys of a map as are read, those first that were there before; the rest is left out.
   *
   * @param known what was read of the map before
   */
  keysOf(map: object, known: object, field: FieldPath, most: number): Iterable<string> {
    const keys = Object.keys(map);
    if (keys.length <= most) return keys;
    this.add(field, keys.length - most);
    const read = new Set(Object.keys(known).filter((key) => Object.hasOwn(map, key)));
    for (const key of keys) {
      if (read.size >= most) break;
      read.add(key);
    }
    return read;
  }

  /** As {@link StatusReading} has it. */
  reading(): { readonly leftOut: readonly string[]; readonly unnamed?: number } {
    return { leftOut: this.paths, ...(this.unnamed > 0 && { unnamed: this.unnamed }) };
  }
}

/**
 * `domains['b'].requests, conditions[0] and 7 more`
 *
 * @param unnamed how many there are beside those whose paths are kept
 */
export function describeLeftOut(leftOut: readonly string[], unnamed = 0): string {
  const more = Math.max(0, leftOut.length - NAMED) + unnamed;
  const named = leftOut.slice(0, NAMED).map((path) => shortened(path, LONGEST_NAMED));
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
