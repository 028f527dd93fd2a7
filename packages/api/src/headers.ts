/** Request headers between a fenced Envoy and the global sidecar, in the lower case that HTTP/2 and Node use. All three are removed before forwarding. */

/** `<namespace>/<fence>` of the caller: a literal in the fence's EnvoyFilter, so it needs no look-up. */
export const FENCE_SOURCE = "fence-source";

/** Original destination `ip:port` that the caller's application dialled (Envoy's `%DOWNSTREAM_LOCAL_ADDRESS%`). Name taken over from Slime. */
export const ORIGINAL_DESTINATION = "slime-orig-dest";

/** Namespace of the caller, to complete short names. Name taken over from Slime; `fence-source` wins over it. */
export const SOURCE_NAMESPACE = "slime-source-ns";

/** The caller's certificate identity, written by the receiving Istio proxy. It can be trusted only behind one. */
export const FORWARDED_CLIENT_CERT = "x-forwarded-client-cert";

export const FENCELINE_REQUEST_HEADERS: readonly string[] = [FENCE_SOURCE, ORIGINAL_DESTINATION, SOURCE_NAMESPACE];

/** Audience of the token by which the collector knows the global sidecar. */
export const COLLECTOR_AUDIENCE = "fenceline-collector";
