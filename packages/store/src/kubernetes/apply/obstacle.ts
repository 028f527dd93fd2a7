import type { ObjectRef } from "@fenceline/api";
import { ApiError, hasStatus } from "@fenceline/kubernetes";
import type { Obstacle } from "../../change.ts";
import type { Conflict } from "./ownership.ts";

/** An object of somebody else, as what stands in the way. */
export function conflictObstacle({ kind, namespace, name, message }: Conflict): Obstacle {
  return { reason: "Conflict", kind, namespace, name, message: `${message}: delete or rename it, or switch the fence off` };
}

/**
 * What stands in the way of a rendered object, when a write threw. Undefined when that will pass by
 * itself: the API server is down, overloaded, or another write came in between.
 *
 * @param kindIsAbsent whether the API server is known not to have the kind. A 404 alone says
 * little: a namespace that is being deleted gives one too
 */
export function writeObstacle(error: unknown, { kind, namespace, name }: ObjectRef, kindIsAbsent: boolean): Obstacle | undefined {
  const place = { kind, namespace, name };
  if (hasStatus(error, 404) && kindIsAbsent) {
    const message = `the API server has no kind ${kind}: install the CRDs of Istio`;
    return { ...place, reason: "IstioKindMissing", message };
  }
  return refusal(error, place, `grant the collector the right to write ${kind}s, see its ClusterRole`);
}

/** As {@link writeObstacle}, for the status of a fence. */
export function statusObstacle(error: unknown, { kind, namespace, name }: ObjectRef): Obstacle | undefined {
  const place = { kind, namespace, name };
  // The fence itself is there: a status of one that is gone is no error.
  if (hasStatus(error, 404)) {
    const message = "the CRD of ServiceFence has no status subresource: install the one that comes with Fenceline";
    return { ...place, reason: "StatusMissing", message };
  }
  return refusal(error, place, "grant the collector the right to patch servicefences/status, see its ClusterRole");
}

function refusal(error: unknown, place: Pick<Obstacle, "kind" | "namespace" | "name">, hint: string): Obstacle | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 403) return { ...place, reason: "WriteForbidden", message: `${error.message}: ${hint}` };
  if (error.status === 400 || error.status === 422) return { ...place, reason: "WriteRefused", message: error.message };
  return undefined;
}
