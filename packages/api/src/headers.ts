/**
 * Request headers between a fenced Envoy and the global sidecar, in the lower case that HTTP/2 and
 * Node use. All are removed before forwarding, except for the certificate.
 */

/**
 * `<namespace>/<fence>` of the caller: a literal in the fence's EnvoyFilter, so it needs no
 * look-up.
 */
export const FENCE_SOURCE = "fence-source";

/**
 * Original destination `ip:port` that the caller's application dialled (Envoy's
 * `%DOWNSTREAM_LOCAL_ADDRESS%`). Name taken over from Slime.
 */
export const ORIGINAL_DESTINATION = "slime-orig-dest";

/**
 * Namespace of the caller, to complete short names. Name taken over from Slime; `fence-source` wins
 * over it.
 */
export const SOURCE_NAMESPACE = "slime-source-ns";

/**
 * `registry-only` where the caller's Envoy would have refused hosts that are not registered
 * (`outboundTrafficPolicy: REGISTRY_ONLY`): the EnvoyFilter adds it to the routes of the virtual
 * host `block_all`, which only such Envoys have.
 */
export const OUTBOUND_POLICY = "fenceline-outbound";

/**
 * The caller's certificate identity, written by the receiving Istio proxy. It can be trusted only
 * behind one.
 */
export const FORWARDED_CLIENT_CERT = "x-forwarded-client-cert";

/** Audience of the token by which the collector knows the global sidecar. */
export const COLLECTOR_AUDIENCE = "fenceline-collector";
