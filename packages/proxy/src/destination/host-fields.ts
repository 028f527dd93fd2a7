import type { Authority } from "@fenceline/registry";
import type { Address } from "../resolve/resolver.ts";

/**
 * Request header with the caller's Host, where another one is sent instead. The chart's EnvoyFilter
 * for the global sidecar restores it, once its Envoy has chosen the route.
 */
export const AUTHORITY_HEADER = "fenceline-authority";

/** What to send as Host or `:authority`. */
export interface HostFields {
  readonly host: string;
  /** Value for {@link AUTHORITY_HEADER}; undefined where the caller's own Host is sent. */
  readonly original: string | undefined;
}

/**
 * In a cluster the request goes on through the proxy's own Envoy, which routes by Host. For that
 * Envoy `b` is a name of its own namespace, not of the caller's, and it has no route for
 * `pod-0.web` or an invented name. A request without a route would pass through in plain text.
 */
export function hostFields(authority: string, named: Authority, address: Address | undefined): HostFields {
  const known = address?.authority;
  if (known === undefined || isSameHost(known, named)) return { host: authority, original: undefined };
  return { host: known, original: authority };
}

function isSameHost(known: string, { host, kind }: Authority): boolean {
  const text = kind === "ipv6" ? `[${host}]` : host;
  return known === text || known.startsWith(`${text}:`);
}
