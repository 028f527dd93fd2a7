import type { Config } from "@fenceline/api";
import { EdgeBook } from "@fenceline/edges";
import { pino } from "pino";
import type { Mesh } from "../mesh.ts";
import { FenceReconciler } from "./fence-reconciler.ts";
import { FenceStates } from "./fence-states.ts";

/**
 * The reconciler of fences as a leader runs it, where nothing is rendered yet, nothing stands in
 * the way and nobody else has a Sidecar.
 *
 * @param now milliseconds of the wall clock, for deadlines
 */
export function fencesOfManifests(mesh: Mesh, config: Config, now: number): FenceReconciler {
  const shared = {
    store: { ownedBy: () => [], foreign: () => [] },
    mesh: () => mesh,
    config,
    logger: pino({ level: "silent" }),
    now: () => now,
    leads: () => true,
  };
  const states = new FenceStates({ ...shared, book: new EdgeBook(), onTurnedAway: () => {} });
  for (const fence of mesh.fences()) states.open(fence);
  return new FenceReconciler({
    ...shared,
    state: (key) => states.get(key),
    fallbackReady: () => true,
    proxyVersions: () => [],
    obstacles: () => [],
    onGone: () => {},
    onRendered: () => {},
  });
}
