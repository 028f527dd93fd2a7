import type { KubernetesObject } from "../../lab/kubernetes/object.ts";

/** Namespaces of the suite: fenced workloads, and what their proxies need. */
export const APPS = "needs-apps";
export const TOOLS = "needs-tools";

/** Fully qualified host of a Service that proxies need. */
export function hostOf(name: string): string {
  return `${name}.${TOOLS}.svc.cluster.local`;
}

/** Envoy's cluster for a port of it. */
export function clusterOf(name: string, port: number): string {
  return `outbound|${port}||${hostOf(name)}`;
}

/** Ports of these Services. */
export const PORTS = { zipkin: 9_411, otel: 4_317, authz: 8_000, audit: 80, keys: 80 } as const;

/** Providers of MeshConfig. istiod looks up their clusters whatever a Sidecar shows. */
export const PROVIDERS = {
  extensionProviders: [
    { name: "lab-zipkin", zipkin: { service: hostOf("zipkin"), port: PORTS.zipkin } },
    // MeshConfig may say whose host is meant.
    { name: "lab-otel", opentelemetry: { service: `${TOOLS}/${hostOf("otel")}`, port: PORTS.otel } },
    { name: "lab-authz", envoyExtAuthzHttp: { service: hostOf("authz"), port: PORTS.authz, timeout: "2s" } },
  ],
};

/** Traces of the pods `app: <app>` by a provider. */
export function tracing(app: string, provider: string): KubernetesObject {
  return {
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: app, namespace: APPS },
    spec: {
      selector: { matchLabels: { app } },
      tracing: [{ providers: [{ name: provider }], randomSamplingPercentage: 100 }],
    },
  };
}

/** Asks a provider about each call to the pods `app: <app>`. */
export function authorization(app: string, provider: string): KubernetesObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: app, namespace: APPS },
    spec: { selector: { matchLabels: { app } }, action: "CUSTOM", provider: { name: provider }, rules: [{}] },
  };
}

/** Mirrors calls to the pods `app: <app>` elsewhere, by an EnvoyFilter of somebody else. */
export function mirror(app: string): KubernetesObject {
  const cluster = clusterOf("audit", PORTS.audit);
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { name: "audit", namespace: APPS },
    spec: {
      workloadSelector: { labels: { app } },
      configPatches: [
        {
          applyTo: "HTTP_ROUTE",
          match: { context: "SIDECAR_INBOUND" },
          patch: { operation: "MERGE", value: { route: { request_mirror_policies: [{ cluster }] } } },
        },
      ],
    },
  };
}

/** Tokens for the pods `app: <app>`, with keys from within the mesh. */
export function tokens(app: string): KubernetesObject {
  const jwtRules = [{ issuer: "lab", jwksUri: `http://${hostOf("keys")}/keys` }];
  return {
    apiVersion: "security.istio.io/v1",
    kind: "RequestAuthentication",
    metadata: { name: app, namespace: APPS },
    spec: { selector: { matchLabels: { app } }, jwtRules },
  };
}
