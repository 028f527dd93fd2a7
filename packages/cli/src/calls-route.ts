import { jsonRoute, type Route } from "@fenceline/http-api";

/**
 * Calls of every namespace are shown, and they tell what its fences' edges tell: so whoever may
 * list fences everywhere may see them.
 *
 * Spelled here: the table of kinds loads zod, and the global sidecar, which imports this, does
 * without. The test of this file compares the two.
 */
export const CALLS_RIGHT = { verb: "list", group: "microservice.slime.io", resource: "servicefences" } as const;

/** `/api/v1/calls`: the oldest calls that a global sidecar forwards (docs/api.md). */
export function callsRoute(read: () => readonly object[]): Route {
  return jsonRoute("/api/v1/calls", CALLS_RIGHT, () => ({ calls: read() }));
}
