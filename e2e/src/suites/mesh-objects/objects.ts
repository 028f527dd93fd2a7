import type { KubernetesObject } from "../../lab/kubernetes/object.ts";

const API_VERSION = "networking.istio.io/v1";

/** Namespaces of the suite. */
export const CALLER = "objects-caller";
export const CALLEE = "objects-callee";
export const THIRD = "objects-third";
/** Istio's root namespace. */
export const ROOT = "istio-system";

/** Timeout of every VirtualService, in milliseconds. */
export const TIMEOUT = 7_000;

/** A callee and where its VirtualService stands, with its number of retries, unlike any other's. */
export const ROUTED = [
  { name: "b-caller", namespace: CALLER, retries: 3 },
  { name: "b-callee", namespace: CALLEE, retries: 4 },
  { name: "b-third", namespace: THIRD, retries: 5 },
  { name: "b-root", namespace: ROOT, retries: 6 },
] as const;

/** Fully qualified host of a callee. */
export function hostOf(name: string): string {
  return `${name}.${CALLEE}.svc.cluster.local`;
}

/**
 * A VirtualService for a callee: half of the calls go to the canary, each with a header that says
 * whose route it took.
 */
export function routeTo({ name, namespace, retries }: (typeof ROUTED)[number]): KubernetesObject {
  const half = (service: string) => ({ destination: { host: hostOf(service) }, weight: 50 });
  return {
    apiVersion: API_VERSION,
    kind: "VirtualService",
    metadata: { name, namespace },
    spec: {
      hosts: [hostOf(name)],
      http: [
        {
          timeout: `${TIMEOUT}ms`,
          retries: { attempts: retries, retryOn: "connect-failure" },
          headers: { request: { set: { "x-route-of": namespace } } },
          route: [half(name), half("canary")],
        },
      ],
    },
  };
}

/** A host that no Service has: its VirtualService sends the calls to the canary. */
export const ROUTED_ONLY: KubernetesObject = {
  apiVersion: API_VERSION,
  kind: "VirtualService",
  metadata: { name: "shop", namespace: THIRD },
  spec: { hosts: ["shop.example"], http: [{ route: [{ destination: { host: hostOf("canary") } }] }] },
};

/** Address of a ServiceEntry that only an Envoy knows. */
export const ENTRY_ADDRESS = "240.10.0.1";

/**
 * ServiceEntries of a third namespace for a server outside of the mesh: an exact host, a wildcard,
 * and a TCP port, each with static endpoints.
 */
export function entriesFor(address: string): readonly KubernetesObject[] {
  const entry = (name: string, hosts: readonly string[], port: object, target: number, addresses: readonly string[] = []) => ({
    apiVersion: API_VERSION,
    kind: "ServiceEntry",
    metadata: { name, namespace: THIRD },
    spec: {
      ...{ hosts, addresses, location: "MESH_EXTERNAL", resolution: "STATIC", ports: [port] },
      endpoints: [{ address, ports: { [name]: target } }],
    },
  });
  return [
    entry("exact", ["api.partner.example"], { number: 80, name: "exact", protocol: "HTTP" }, 8_080),
    entry("wildcard", ["*.cdn.example"], { number: 80, name: "wildcard", protocol: "HTTP" }, 8_080),
    entry("tcp", ["db.partner.example"], { number: 9_000, name: "tcp", protocol: "TCP" }, 9_000, [ENTRY_ADDRESS]),
  ];
}
