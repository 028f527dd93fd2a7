import type { Config, Dispatch } from "@fenceline/api";

const LABEL = "[^.:]+";
/** An optional trailing dot and an optional port, which Envoy leaves in `:authority`. */
const REST = "\\.?(:[0-9]+)?";

/**
 * RE2 expression that matches the whole `:authority` of unknown hosts which the fallback takes:
 * names without a dot, two-label names, `*.svc`, `*.svc.<cluster domain>` and IP literals.
 *
 * It ignores case, as DNS does. It does not grow with the mesh. What it does not match
 * (`www.example.com`) uses Istio's own passthrough: a fence must not add a hop, or a second
 * firewall, to calls that leave the cluster.
 */
export function fallbackExpression({ clusterDomain, fallback }: Config): string {
  if (fallback.match !== undefined) return fallback.match;
  const inCluster = `(${LABEL}\\.)+svc(\\.${escapeExpression(clusterDomain)})?`;
  const short = `${LABEL}(\\.${LABEL})?`;
  const ipv4 = "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+";
  return `(?i)(${short}|${inCluster}|${ipv4})${REST}|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?`;
}

/** Every host, in the notation of Envoy's virtual hosts. */
const EVERY_HOST = "*";

/**
 * Slime's dispatches in the order in which they are tried. Slime makes virtual hosts of their
 * domains, and Envoy uses `*` for hosts that match no other, wherever it is in the list.
 */
export function orderedDispatches(dispatches: readonly Dispatch[]): readonly Dispatch[] {
  const parts = dispatches.map((dispatch) => ({ ...dispatch, domains: dispatch.domains.filter((domain) => domain !== EVERY_HOST) }));
  const last = dispatches.filter(({ domains }) => domains.includes(EVERY_HOST));
  return [
    ...parts.filter(({ domains, domainRegex }) => domains.length > 0 || domainRegex !== undefined),
    ...last.map(({ name, cluster }) => ({ name, cluster, domains: [EVERY_HOST] })),
  ];
}

/**
 * RE2 expression for one of Slime's dispatches: its domains, each with any port, or its own
 * expression, unchanged.
 */
export function dispatchExpression({ domains, domainRegex }: Dispatch): string {
  if (domains.includes(EVERY_HOST)) return ".*";
  const hosts = domains.map(domainExpression);
  const alternatives = hosts.length === 0 ? [] : [`(${hosts.join("|")})${REST}`];
  return [...alternatives, ...(domainRegex === undefined ? [] : [domainRegex])].join("|");
}

/** `*` at the beginning or the end is at least one character, as in Envoy's virtual hosts. */
function domainExpression(domain: string): string {
  if (domain.startsWith("*")) return `.+${escapeExpression(domain.slice(1))}`;
  return domain.endsWith("*") ? `${escapeExpression(domain.slice(0, -1))}.+` : escapeExpression(domain);
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
