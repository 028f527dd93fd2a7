import { isJsonObject } from "@fenceline/api";

/** Istio adds a listener with hosts by itself, but never with one of these fields. */
const OF_LISTENER = ["port", "bind", "captureMode"] as const;

/**
 * What a Sidecar of somebody else sets beside hosts and `outboundTrafficPolicy.mode`. Istio uses
 * one Sidecar for a pod, so these settings are lost when another takes its place.
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
 * The hosts that a Sidecar shows, in its own notation; undefined where it has no listener, which
 * shows everything. They are those of all listeners: a listener for one port counts among the
 * settings.
 */
export function shownHosts(spec: unknown): readonly string[] | undefined {
  const { egress } = isJsonObject(spec) ? spec : {};
  if (!Array.isArray(egress) || egress.length === 0) return undefined;
  return egress.filter(isJsonObject).flatMap(({ hosts }) => (Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : []));
}

/** The first value of a protobuf enum means "not set", whether by name or by number. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== "DEFAULT" && value !== 0;
}
