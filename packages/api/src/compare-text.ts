/**
 * Byte order, the same on every machine: a locale's order would make two replicas render
 * differently.
 */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
