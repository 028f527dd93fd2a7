import type { AccessLogEntry } from "@fenceline/als";
import { isEgressHost } from "@fenceline/api";
import { parseAuthority } from "@fenceline/registry";
import type { Mesh } from "../../mesh.ts";
import { isNoCall } from "./direction.ts";

/** A host that an entry names, whether or not it is known to be registered. */
export interface NameCalled {
  readonly host: string;
  /** Whether the call went there. Anybody may write any Host. */
  readonly isTrue: boolean;
}

/**
 * The names by which a call was made.
 *
 * Istio may know a host that is not known here: a Service of another cluster, or a ServiceEntry
 * that we may not read. Then the cluster names it. For a host that Istio does not know either, the
 * Host names it, or the server name of TLS.
 */
export function namesCalled({ upstreamCluster, kind, authority, sni }: AccessLogEntry, mesh: Mesh): readonly NameCalled[] {
  if (isNoCall(upstreamCluster, mesh.collectorHost)) return [];
  const names = new Map<string, boolean>();
  const parsed = parseAuthority(kind === "http" ? authority : sni);
  if (parsed?.kind === "name") names.set(parsed.host, false);
  const [direction, , , host = "", ...rest] = upstreamCluster.split("|");
  if (direction === "outbound" && rest.length === 0 && isEgressHost(host) && host !== mesh.fallbackHost) names.set(host, true);
  return [...names].map(([name, isTrue]) => ({ host: name, isTrue }));
}
