import { FENCE_API_VERSIONS } from "@fenceline/api";

/** A kind as the API server's paths name it. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Names one object of a kind. Cluster-wide kinds have no namespace. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

const namespaced = (apiVersion: string, kind: string, plural: string): Resource => ({ apiVersion, kind, plural, namespaced: true });

export const NAMESPACES: Resource = { apiVersion: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
export const NODES: Resource = { apiVersion: "v1", kind: "Node", plural: "nodes", namespaced: false };
/** `v1` is there from Kubernetes 1.33 on. */
export const SERVICE_CIDRS: Resource = {
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
};
export const SERVICES = namespaced("v1", "Service", "services");
export const ENDPOINT_SLICES = namespaced("discovery.k8s.io/v1", "EndpointSlice", "endpointslices");
export const CONFIG_MAPS = namespaced("v1", "ConfigMap", "configmaps");
export const LEASES = namespaced("coordination.k8s.io/v1", "Lease", "leases");
/** `v1beta1`, as rendered: every Istio since 1.5 serves it. */
export const SIDECARS = namespaced("networking.istio.io/v1beta1", "Sidecar", "sidecars");
export const ENVOY_FILTERS = namespaced("networking.istio.io/v1alpha3", "EnvoyFilter", "envoyfilters");
/** Our own group first: it wins where both have a fence of one name. */
export const SERVICE_FENCES: readonly Resource[] = FENCE_API_VERSIONS.map((version) =>
  namespaced(version, "ServiceFence", "servicefences"),
);

/** Path of all objects of a kind; of one namespace when it is given. */
export function collectionPath({ apiVersion, plural, namespaced }: Resource, namespace?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced && namespace !== undefined ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`;
}

/** Path of one object, or of one of its subresources. */
export function objectPath(resource: Resource, { namespace, name }: ObjectKey, subresource?: "status"): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `namespace/name`, or the name alone. Neither may contain a slash, so it is unambiguous. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
