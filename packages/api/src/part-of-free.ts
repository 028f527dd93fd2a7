/**
 * Returns the most that one caller may hold of something bounded: a part of what is free now, and
 * never less than `least` while anything is. However many callers hold as much as they may, a
 * newcomer finds room (dynamic thresholds: Choudhury and Hahne, 1998). A caller alone gets
 * `max / (part + 1)`.
 *
 * @param held by all callers together
 * @param part by which what is free is divided
 */
export function partOfFree(max: number, held: number, part: number, least: number): number {
  const free = Math.max(0, max - held);
  return Math.min(free, Math.max(least, free / part));
}
