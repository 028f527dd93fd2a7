/** The place of the first item in an ordered list that is not before what `compare` looks for. */
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
