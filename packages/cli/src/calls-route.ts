import { jsonRoute, type Route } from "@fenceline/http-api";

/**
 * Calls of every namespace are shown, and they tell what its fences' edges tell: so whoever may
 * list fences everywhere may see them.
 */
const RIGHT = { verb: "list", group: "microservice.slime.io", resource: "servicefences" } as const;

/** `/api/v1/calls`: the oldest calls that a global sidecar forwards (docs/api.md). */
export function callsRoute(read: () => readonly object[]): Route {
  return jsonRoute("/api/v1/calls", RIGHT, () => ({ calls: read() }));
}
