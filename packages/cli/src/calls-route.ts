import { FENCE_API_VERSIONS, groupOf, SERVICE_FENCE } from "@fenceline/api";
import { jsonRoute, type Route } from "@fenceline/http-api";

/**
 * Calls of every namespace are shown, and they tell what its fences' edges tell: so whoever may
 * list fences everywhere may see them.
 */
const RIGHT = { verb: "list", group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural } as const;

/** `/api/v1/calls`: the oldest calls that a global sidecar forwards (docs/api.md). */
export function callsRoute(read: () => readonly object[]): Route {
  return jsonRoute("/api/v1/calls", RIGHT, () => ({ calls: read() }));
}
