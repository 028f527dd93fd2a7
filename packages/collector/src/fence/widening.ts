import { hostOfEgress, sidecarHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { RenderedUpdate } from "@fenceline/store";

/**
 * How recently a host must have been called for another replica than the leader to add it, in
 * milliseconds. The leader takes out what nobody calls, and its status may tell so later than its
 * Sidecar.
 */
const RECENT = 10_000;

/**
 * The part of a change of a fence's Sidecar that adds hosts which are called just now. Undefined
 * when it adds none.
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
  if (!wanted.some(isNew)) return undefined;
  const hosts = [...new Set([...wanted.filter((egress) => shown.has(egress) || isNew(egress)), ...shown])];
  return { ...change, object: { ...object, spec: { ...before.spec, egress: [{ ...before.spec.egress[0], hosts }] } } };
}
