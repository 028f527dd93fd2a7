import { jsonRoute, type Route } from "@fenceline/http-api";

/**
 * Calls of all namespaces are shown, which tell the same as the edges of their fences. So everybody
 * who may list fences everywhere may see them.
 *
 * Spelled out here: the table of kinds loads zod, which the global sidecar, which imports this,
 * does not need. The test of this file compares the two.
 */
export const CALLS_RIGHT = { verb: "list", group: "microservice.slime.io", resource: "servicefences" } as const;

/** `/api/v1/calls`: the oldest calls that a global sidecar forwards (docs/api.md). */
export function callsRoute(read: () => readonly object[]): Route {
  return jsonRoute("/api/v1/calls", CALLS_RIGHT, () => ({ calls: read() }));
}
