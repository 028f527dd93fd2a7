/** What the tests keep in their API servers. */
import { ENDPOINT_SLICE, ENVOY_FILTER, NAMESPACE, NODE, SERVICE_CIDR, SERVICE_FENCE, SIDECAR } from "@fenceline/api";
import { resourcesOf } from "@fenceline/kubernetes";

export * from "../resources.ts";
export const [NAMESPACES] = resourcesOf(NAMESPACE);
export const [NODES] = resourcesOf(NODE);
export const [SERVICE_CIDRS] = resourcesOf(SERVICE_CIDR);
export const [ENDPOINT_SLICES] = resourcesOf(ENDPOINT_SLICE);
export const [SIDECARS] = resourcesOf(SIDECAR);
export const [ENVOY_FILTERS] = resourcesOf(ENVOY_FILTER);
export const SERVICE_FENCES = resourcesOf(SERVICE_FENCE);
export { PODS } from "../pods.ts";
