import type { KubernetesObject } from "@fenceline/e2e/lab/kubernetes/object.ts";
import { NAMESPACE } from "./cluster.ts";

/** Size of a mesh. */
export interface MeshSize {
  readonly services: number;
  readonly fences: number;
}

/** Hosts that each fence has learned before the collector starts. */
export const LEARNED_HOSTS = 40;
const ENDPOINTS = 5;
const SERVICES_PER_NAMESPACE = 50;
/** It does not divide any number of Services, so all hosts of a fence differ. */
const STRIDE = 7;
const DOMAIN = "svc.cluster.local";

/** A Service by its number. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A mesh like one that runs for a while, without rendered objects. */
export class BenchMesh {
  readonly size: MeshSize;
  readonly #namespaces: number;

  constructor(size: MeshSize) {
    this.size = size;
    this.#namespaces = Math.ceil(size.services / SERVICES_PER_NAMESPACE);
  }

  /**
   * All objects as the API server stores them, in the order of their creation.
   *
   * @param now when the fences' hosts were last seen
   */
  objects(now: Date): readonly (readonly KubernetesObject[])[] {
    const { services, fences } = this.size;
    const ours = { namespace: NAMESPACE, name: "global-sidecar" };
    return [
      ["istio-system", ...Array.from({ length: this.#namespaces }, (_, at) => namespaceName(at))].map(namespace),
      [{ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "istio-system", name: "istio" }, data: { mesh: "{}" } }],
      range(services + 1).map((at) => ipAddress(at, at === 0 ? ours : this.place(at - 1))),
      range(services + 1).map((at) => allocated(service(at === 0 ? ours : this.place(at - 1)), at)),
      range(services + 1).map((at) => endpointSlice(at === 0 ? ours : this.place(at - 1), at)),
      range(fences).map((at) => ({ ...this.#fence(at), ...this.status(at, now) })),
    ];
  }

  /** What a fence has learned. */
  status(fence: number, now: Date): { readonly status: { readonly domains: object; readonly observedUntil: string } } {
    const at = `${now.toISOString().slice(0, 19)}Z`;
    const hosts = range(LEARNED_HOSTS).map((index) => this.hostOf(fence, index));
    const seen = { status: "ACTIVE", source: "learned", firstSeen: at, lastSeen: at, requests: 100, ports: [80] };
    return { status: { domains: Object.fromEntries(hosts.map((host) => [host, { hosts: [host], ...seen }])), observedUntil: at } };
  }

  place(at: number): Place {
    return { namespace: namespaceName(at % this.#namespaces), name: `service-${at}` };
  }

  fence(at: number): Place {
    return { namespace: namespaceName(at % this.#namespaces), name: `workload-${at}` };
  }

  /**
   * The hosts that a fence calls, one after the other: the first {@link LEARNED_HOSTS} are known.
   */
  hostOf(fence: number, index: number): string {
    const { namespace, name } = this.place((fence * 13 + index * STRIDE) % this.size.services);
    return `${name}.${namespace}.${DOMAIN}`;
  }

  #fence(at: number): KubernetesObject {
    return {
      apiVersion: "microservice.slime.io/v1alpha1",
      kind: "ServiceFence",
      metadata: { ...this.fence(at) },
      spec: { enable: true },
    };
  }
}

/**
 * A Service as people write it, and as clusters keep it: with annotations that Fenceline does not
 * read.
 */
export function service({ namespace, name }: Place): KubernetesObject {
  const annotations = { "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name, annotations, labels: { app: name, "app.kubernetes.io/managed-by": "Helm" } },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  };
}

/** What the API server adds to a Service. */
function allocated(object: KubernetesObject, at: number): KubernetesObject {
  const ip = clusterIp(at);
  const families = { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", internalTrafficPolicy: "Cluster" };
  return {
    ...object,
    spec: { ...(object.spec as object), type: "ClusterIP", clusterIP: ip, clusterIPs: [ip], sessionAffinity: "None", ...families },
  };
}

/** Without it the API server would create one for each address during the measurements. */
function ipAddress(at: number, { namespace, name }: Place): KubernetesObject {
  const labels = { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: clusterIp(at), labels },
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  };
}

/** @param version changes the addresses */
export function endpointSlice({ namespace, name }: Place, at: number, version = 0): KubernetesObject {
  const endpoints = range(ENDPOINTS).map((index) => ({
    addresses: [podAddress(at * ENDPOINTS + index, version)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${at % 50}`,
    targetRef: { kind: "Pod", namespace, name: `${name}-5d4f8c7b6-${index}` },
  }));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name: `${name}-x`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8_080, protocol: "TCP" }],
    endpoints,
  };
}

function namespace(name: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function namespaceName(at: number): string {
  return `team-${at}`;
}

function clusterIp(at: number): string {
  return `10.100.${at >> 8}.${at % 256}`;
}

function podAddress(number: number, version: number): string {
  return `10.${128 + ((number >> 16) % 64) + version * 64}.${(number >> 8) % 256}.${number % 256}`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, at) => at);
}
