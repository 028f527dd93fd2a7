/**
 * How Istio determines the protocol of a Service port.
 * @see https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
import type { ServicePort } from "@fenceline/api";

export type PortProtocol = "http" | "tcp" | "unknown";

const HTTP_PROTOCOLS: ReadonlySet<string> = new Set(["http", "http2", "grpc", "grpc-web"]);
const OTHER_PROTOCOLS: ReadonlySet<string> = new Set(["https", "mongo", "mysql", "redis", "tcp", "tls", "udp"]);

/** Values of `appProtocol` that Kubernetes itself defines (KEP-3726), as Istio reads them. */
const KUBERNETES_PROTOCOLS: Readonly<Record<string, string>> = {
  "kubernetes.io/h2c": "http2",
  "kubernetes.io/ws": "http",
  "kubernetes.io/wss": "https",
};

/**
 * The protocol class of one Service port.
 *
 * `appProtocol` wins over the port name, as in Istio; both are compared without case. A port that
 * declares neither, or something that Istio does not know, is `unknown`: Istio sniffs it, so it
 * must not be treated as HTTP (a redirect would break a server-first protocol such as MySQL).
 */
export function portProtocol(port: ServicePort): PortProtocol {
  if (port.protocol !== "TCP") return "tcp";
  const declared = port.appProtocol?.toLowerCase() ?? namePrefix(port.name?.toLowerCase() ?? "");
  const protocol = KUBERNETES_PROTOCOLS[declared] ?? declared;
  if (HTTP_PROTOCOLS.has(protocol)) return "http";
  return OTHER_PROTOCOLS.has(protocol) ? "tcp" : "unknown";
}

/** Whether a port of a ServiceEntry is HTTP. It declares its protocol; nothing is sniffed. */
export function isHttpEntryPort({ protocol }: { readonly protocol: string }): boolean {
  const declared = protocol.toLowerCase();
  return HTTP_PROTOCOLS.has(declared) || declared === "http_proxy";
}

/** `grpc-web-api` → `grpc-web`, `http-metrics` → `http`, `web` → `web` (which is no protocol). */
function namePrefix(name: string): string {
  if (name === "grpc-web" || name.startsWith("grpc-web-")) return "grpc-web";
  const dash = name.indexOf("-");
  return dash === -1 ? name : name.slice(0, dash);
}
