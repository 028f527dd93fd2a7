/**
 * Milliseconds of the shortest of a few runs: others use the machine too.
 *
 * @param runs default 5
 */
export function shortest(run: () => void, runs = 5): number {
  const times = Array.from({ length: runs }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return Math.min(...times);
}
