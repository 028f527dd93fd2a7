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

/** The first of an enum of protobuf says nothing, by name or number. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== "DEFAULT" && value !== 0;
}
