import { ENDPOINT_SLICE, ENVOY_FILTER, NAMESPACE, NODE, SERVICE, SERVICE_CIDR, SERVICE_FENCE, SIDECAR } from "@fenceline/api";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";

export const [NAMESPACES] = resourcesOf(NAMESPACE);
export const [NODES] = resourcesOf(NODE);
export const [SERVICE_CIDRS] = resourcesOf(SERVICE_CIDR);
export const [SERVICES] = resourcesOf(SERVICE);
export const [ENDPOINT_SLICES] = resourcesOf(ENDPOINT_SLICE);
export const CONFIG_MAPS: Resource = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
export const [SIDECARS] = resourcesOf(SIDECAR);
export const [ENVOY_FILTERS] = resourcesOf(ENVOY_FILTER);
export const SERVICE_FENCES = resourcesOf(SERVICE_FENCE);
