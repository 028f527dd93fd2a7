/** Objects as Slime's lazyload module and its chart write them. */
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";

/** Slime's own namespace. */
export const SLIME = "mesh-operator";
/** Its global sidecar: name of the Service and of the pod. */
export const SLIME_SIDECAR = "global-sidecar";
/** A fenced workload and what it calls. */
export const APPS = "from-slime";
export const FENCE = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { namespace: APPS, name: "a" } };

export function hostOf(name: string): string {
  return `${name}.${APPS}.svc.cluster.local`;
}

/** What Slime has learned of the fence's calls. */
export function learnedStatus(names: readonly string[]): object {
  const hosts = names.map(hostOf);
  return {
    domains: Object.fromEntries(hosts.map((host) => [host, { hosts: [host] }])),
    metricStatus: Object.fromEntries(hosts.map((host) => [`{destination_service="${host}"}`, "1"])),
  };
}

/** The Sidecar of a fence: no label, and the fence as its controller. */
export function slimeSidecar(fence: KubernetesObject, names: readonly string[]): KubernetesObject {
  const { name, namespace, uid } = fence.metadata;
  const owner = { apiVersion: fence.apiVersion, kind: fence.kind, name, uid, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "Sidecar",
    metadata: { ...(namespace !== undefined && { namespace }), name, ownerReferences: [owner] },
    spec: {
      workloadSelector: { labels: { app: name } },
      egress: [{ hosts: [...names.map((each) => `*/${hostOf(each)}`), "istio-system/*", `${SLIME}/*`] }],
    },
  };
}

const OUTBOUND = { context: "SIDECAR_OUTBOUND" } as const;
/** The global sidecar's own proxies. */
const ITSELF = { ...OUTBOUND, proxy: { metadata: { SLIME_APP: "LAZYLOAD_GLOBAL_SIDECAR" } } } as const;
/** Envoy's cluster of its global sidecar. */
export const SLIME_CLUSTER = `outbound|80||${SLIME_SIDECAR}.${SLIME}.svc.cluster.local`;

/** The mesh-wide EnvoyFilter, for port 80. */
export function slimeFilter(): KubernetesObject {
  const host = (vhost: string) => ({ routeConfiguration: { name: "80", vhost: { name: vhost } } });
  const allTo = (name: string, cluster: string, more: object = {}) => ({
    virtual_hosts: [{ name, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { timeout: "0s", cluster }, ...more }] }],
  });
  const header = (key: string, value: string) => ({ header: { key, value }, append: false });
  const headers = [header("Slime-Orig-Dest", "%DOWNSTREAM_LOCAL_ADDRESS%"), header("Slime-Source-Ns", "%ENVIRONMENT(POD_NAMESPACE)%")];
  const removed = { operation: "REMOVE" };
  const added = (value: object) => ({ operation: "MERGE", value });
  const routes = { routeConfiguration: { name: "80" } };
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { namespace: "istio-system", name: "to-global-sidecar" },
    spec: {
      configPatches: [
        { applyTo: "VIRTUAL_HOST", match: { ...OUTBOUND, ...host("allow_any") }, patch: removed },
        {
          applyTo: "ROUTE_CONFIGURATION",
          match: { ...OUTBOUND, ...routes },
          patch: added(allTo("allow_all", SLIME_CLUSTER, { request_headers_to_add: headers })),
        },
        { applyTo: "VIRTUAL_HOST", match: { ...ITSELF, ...host("allow_all") }, patch: removed },
        { applyTo: "ROUTE_CONFIGURATION", match: { ...ITSELF, ...routes }, patch: added(allTo("allow_any_new", "PassthroughCluster")) },
      ],
    },
  };
}
