/**
 * Most ports that are kept of one host. A Service may declare thousands, and a status is one object
 * in etcd.
 */
export const MOST_PORTS = 100;

/**
 * The sum of two counts, which stays at `Number.MAX_SAFE_INTEGER` once it is there. Beyond that
 * number additions lose units, and what is written is no integer of JSON's any more, so that a
 * strict reader refuses the whole object around it.
 */
export function addCounts(one: number, other: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, one + other);
}

/**
 * Ports of several sources as one ascending list without repetitions: the lowest
 * {@link MOST_PORTS}, so that replicas agree in whatever order they merge.
 */
export function unitePorts(...lists: readonly (readonly number[] | undefined)[]): number[] {
  return [...new Set(lists.flatMap((ports) => ports ?? []))].sort((a, b) => a - b).slice(0, MOST_PORTS);
}

/** Whether a list is one as {@link unitePorts} gives it. */
export function areUnited(ports: readonly number[]): boolean {
  return ports.length <= MOST_PORTS && ports.every((port, index) => index === 0 || port > Number(ports[index - 1]));
}
