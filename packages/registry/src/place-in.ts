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
