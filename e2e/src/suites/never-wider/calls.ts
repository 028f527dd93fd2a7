import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { HttpCall, TcpCall } from "../../pod-app/protocol.ts";

/** Namespace of the caller, of what its default Sidecar shows, and of what that hides. */
export const CALLER = "wider";
export const SHOWN = "wider-shown";
export const HIDDEN = "wider-hidden";
/** Namespace of a server without a proxy, which stands for everything outside of the mesh. */
export const OUTSIDE = "wider-outside";

/** Ports of TCP Services, and one that no Service has. */
export const TCP_PORT = { shown: 9_000, hidden: 9_001, outside: 9_002 } as const;

/** Hosts of ServiceEntries, in {@link SHOWN} and {@link HIDDEN}. */
const ENTRIES = { [SHOWN]: "shown.example", [HIDDEN]: "hidden.example" } as const;

/** A call that an application may try. */
export interface Attempt {
  readonly what: string;
  readonly call: HttpCall | TcpCall;
}

/** What an application tries, by what becomes of it. */
export interface Attempts {
  /** What the mesh has, and its default Sidecar, where it has one that hides, shows. */
  readonly shown: readonly Attempt[];
  /** What the mesh has, and a default Sidecar hides. */
  readonly hidden: readonly Attempt[];
  /** What nobody has registered. */
  readonly unknown: readonly Attempt[];
}

/**
 * @param service of {@link SHOWN}, which nobody has called before
 * @param outside address of the server outside of the mesh
 * @param hiddenIP ClusterIP of a Service of {@link HIDDEN}
 */
export function attempts(service: string, outside: string, hiddenIP: string): Attempts {
  const byHost = (host: string, address = outside): Attempt => ({ what: host, call: { url: `http://${address}/`, headers: { host } } });
  const tcp = (what: string, host: string, port: number): Attempt => ({ what, call: { host, port } });
  return {
    shown: [
      { what: "a Service", call: { url: `http://${service}.${SHOWN}/` } },
      tcp("a TCP Service", `shown-tcp.${SHOWN}`, TCP_PORT.shown),
      byHost(ENTRIES[SHOWN]),
    ],
    hidden: [
      { what: "a hidden Service", call: { url: `http://hidden.${HIDDEN}/` } },
      { what: "a hidden Service by its full name", call: { url: `http://hidden.${HIDDEN}.svc.cluster.local/` } },
      { what: "a hidden Service by its ClusterIP", call: { url: `http://${hiddenIP}/` } },
      tcp("a hidden TCP Service", `hidden-tcp.${HIDDEN}`, TCP_PORT.hidden),
      byHost(ENTRIES[HIDDEN]),
    ],
    unknown: [
      // Two labels may be a Service's name, so the fence sends the first one to the fallback.
      byHost("unknown.example"),
      byHost("www.unknown.example"),
      { what: "an address outside", call: { url: `http://${outside}/` } },
      tcp("TCP to an address outside", outside, TCP_PORT.outside),
    ],
  };
}

/**
 * A default Sidecar that shows what is not {@link HIDDEN}, and blocks everything else.
 *
 * @param more namespaces that it shows
 */
export function defaultSidecar(namespace: string, ...more: readonly string[]): KubernetesObject {
  const hosts = ["./*", ...["istio-system", SHOWN, ...more].map((shown) => `${shown}/*`)];
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { namespace, name: "default" },
    spec: { egress: [{ hosts }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
  };
}

/** HTTP hosts with the server outside as endpoint, one in either namespace. */
export function serviceEntries(outside: string): readonly KubernetesObject[] {
  return Object.entries(ENTRIES).map(([namespace, host]) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { namespace, name: "outside" },
    spec: {
      ...{ hosts: [host], location: "MESH_EXTERNAL", resolution: "STATIC" },
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      endpoints: [{ address: outside }],
    },
  }));
}
