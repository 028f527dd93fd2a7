import type { Config, Dispatch } from "@fenceline/api";

const LABEL = "[^.:]+";
/** An optional trailing dot and an optional port, which Envoy leaves in `:authority`. */
const REST = "\\.?(:[0-9]+)?";

/**
 * RE2 expression on the whole `:authority` of unknown hosts that the fallback takes: names without
 * a dot, two-label names, `*.svc`, `*.svc.<cluster domain>` and IP literals.
 *
 * Without case, as names are in DNS. It does not grow with the mesh, and what it leaves out
 * (`www.example.com`) goes on to Istio's own passthrough: a fence must not put a hop, or a second
 * firewall to pass, in front of calls that leave the cluster.
 */
export function fallbackExpression({ clusterDomain, fallback }: Config): string {
  if (fallback.match !== undefined) return fallback.match;
  const inCluster = `(${LABEL}\\.)+svc(\\.${escapeExpression(clusterDomain)})?`;
  const short = `${LABEL}(\\.${LABEL})?`;
  const ipv4 = "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+";
  return `(?i)(${short}|${inCluster}|${ipv4})${REST}|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?`;
}

/**
 * RE2 expression for one of Slime's dispatches: its domains, each with any port, or its own
 * expression as it stands.
 */
export function dispatchExpression({ domains, domainRegex }: Dispatch): string {
  const hosts = domains.map((domain) => (domain.startsWith("*.") ? `.+\\.${escapeExpression(domain.slice(2))}` : escapeExpression(domain)));
  const alternatives = hosts.length === 0 ? [] : [`(${hosts.join("|")})${REST}`];
  return [...alternatives, ...(domainRegex === undefined ? [] : [domainRegex])].join("|");
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
