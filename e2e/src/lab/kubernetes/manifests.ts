import type { KubernetesObject } from "./object.ts";

/** A port of a Service. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number;
  readonly appProtocol?: string;
}

export function namespaceObject(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** A Service whose pods are those with the label `app: <name>`, unless told otherwise. */
export function serviceObject(
  namespace: string,
  name: string,
  ports: readonly ServicePort[],
  spec: { readonly clusterIP?: "None"; readonly selector?: Readonly<Record<string, string>> } = {},
): KubernetesObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { selector: { app: name }, ports, ...spec } };
}

/** mTLS for a namespace; in Istio's own namespace, for the whole mesh. */
export function peerAuthentication(namespace: string, mode: "STRICT" | "PERMISSIVE"): KubernetesObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "default", namespace },
    spec: { mtls: { mode } },
  };
}

/**
 * A Sidecar for the pods with the label `app: <name>`, showing them these hosts
 * (`<namespace>/<host>`).
 */
export function sidecarObject(namespace: string, name: string, hosts: readonly string[]): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { name, namespace },
    spec: { workloadSelector: { labels: { app: name } }, egress: [{ hosts }] },
  };
}
