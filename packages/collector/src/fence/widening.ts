import { hostOfEgress, parkedHosts, sidecarHosts, withHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { RenderedUpdate } from "@fenceline/store";

/**
 * How recently a host must have been called for another replica than the leader to add it, in
 * milliseconds. The leader takes out what nobody calls, and its status may tell so later than its
 * Sidecar.
 */
const RECENT = 10_000;

/**
 * The part of a change of a fence's Sidecar that adds hosts which are called just now, or parks
 * them on their way in. Undefined when it adds none.
 *
 * What is parked stays so, also what is shown by this: only the leader knows what may go.
 *
 * @param now milliseconds of the wall clock
 */
export function wideningOf(change: RenderedUpdate, edges: FenceEdges, now: number): RenderedUpdate | undefined {
  const { object, before } = change;
  if (object.kind !== "Sidecar" || before?.kind !== "Sidecar") return undefined;
  const shown = new Set(sidecarHosts(before));
  const called = new Set(edges.hosts().flatMap(({ host, lastSeen }) => (now - lastSeen <= RECENT ? [host] : [])));
  const isNew = (egress: string) => !shown.has(egress) && called.has(hostOfEgress(egress));
  const wanted = sidecarHosts(object);
  const held = new Set(parkedHosts(before));
  const coming = parkedHosts(object).filter((egress) => isNew(egress) && !held.has(egress));
  if (!wanted.some(isNew) && coming.length === 0) return undefined;
  const hosts = [...new Set([...wanted.filter((egress) => shown.has(egress) || isNew(egress)), ...shown])];
  return { ...change, object: withHosts({ ...object, spec: before.spec }, hosts, [...held, ...coming].sort()) };
}
