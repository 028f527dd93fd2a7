import { isJsonObject } from "@fenceline/api";

/** A listener that Istio adds by itself has hosts, and none of these. */
const OF_LISTENER = ["port", "bind", "captureMode"] as const;

/**
 * What a Sidecar of somebody else says beside hosts and `outboundTrafficPolicy.mode`: Istio takes
 * one Sidecar for a pod, so another one in its place drops it.
 */
export function sidecarSettings(spec: unknown): readonly string[] {
  if (!isJsonObject(spec)) return [];
  const { egress, ingress, inboundConnectionPool, outboundTrafficPolicy } = spec;
  const listeners = Array.isArray(egress) ? egress.filter(isJsonObject) : [];
  const ofListeners = OF_LISTENER.filter((field) => listeners.some((listener) => isSaid(listener[field])));
  return [
    ...ofListeners.map((field) => `egress.${field}`),
    ...(Array.isArray(ingress) && ingress.length > 0 ? ["ingress"] : []),
    ...(isJsonObject(inboundConnectionPool) ? ["inboundConnectionPool"] : []),
    ...(isJsonObject(outboundTrafficPolicy) && isJsonObject(outboundTrafficPolicy.egressProxy)
      ? ["outboundTrafficPolicy.egressProxy"]
      : []),
  ];
}

/**
 * The hosts that a Sidecar shows, as it names them; undefined where it has no listener, which shows
 * everything. Those of all listeners: one for a port alone is among the settings.
 */
export function shownHosts(spec: unknown): readonly string[] | undefined {
  const { egress } = isJsonObject(spec) ? spec : {};
  if (!Array.isArray(egress) || egress.length === 0) return undefined;
  return egress.filter(isJsonObject).flatMap(({ hosts }) => (Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : []));
}

/** The first of an enum of protobuf says nothing, by name or number. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== "DEFAULT" && value !== 0;
}
