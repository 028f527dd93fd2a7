/**
 * Byte order, the same on every machine: a locale's order would make two replicas render
 * differently.
 */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Place of the first item that does not come before what `compare` looks for, in an ordered list.
 */
export function placeIn<T>(list: readonly T[], compare: (item: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as T) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
