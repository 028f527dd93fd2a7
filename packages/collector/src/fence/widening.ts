import { hostOfEgress, parkedHosts, sidecarHosts, withHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { RenderedUpdate } from "@fenceline/store";

/**
 * A replica that does not lead adds a host only if it was called within so many milliseconds. The
 * leader removes hosts that nobody calls, and its status may show that later than its Sidecar.
 */
const RECENT = 10_000;

/**
 * The part of a change of a fence's Sidecar that adds hosts which are being called, or parks them
 * before they are shown. Undefined when it adds none.
 *
 * Parked hosts stay parked, even where this shows them: only the leader knows what may be removed.
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
