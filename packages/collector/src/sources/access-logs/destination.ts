import type { AccessLogEntry } from "@fenceline/als";
import { type Destination, parseAuthority } from "@fenceline/registry";
import type { Mesh } from "../../mesh.ts";
import { isNoCall } from "./direction.ts";
import type { EntryDropReason } from "./entry-drop-reason.ts";

const DEFAULT_HTTP_PORT = 80;

/**
 * Finds what an access-log entry says was called. Only what the registry knows can come out.
 *
 * 1. The upstream cluster: after routing it is the truth, whatever the Host header said, also where
 *    it is no Service of the mesh.
 * 2. For a call that went to the fallback: the host, as the fallback goes by it, and the original
 *    destination where the host is made up.
 * 3. For any other call without a cluster of its own (`PassthroughCluster`): the original
 *    destination, since that is what Envoy dialled, then the host.
 */
export function destinationOf(entry: AccessLogEntry, callerNamespace: string, mesh: Mesh): Destination | EntryDropReason {
  if (isNoCall(entry.upstreamCluster, mesh.collectorHost)) return "unknown_destination";
  const upstream = mesh.destinationOfCluster(entry.upstreamCluster);
  if (upstream !== undefined && upstream.host !== mesh.fallbackHost) return upstream;
  const byFallback = wentByFallback(entry, mesh);
  // Out of the mesh, whatever the Host says: a VirtualService may send any host there.
  if (!byFallback && entry.upstreamCluster.startsWith("outbound|")) return "unknown_destination";
  const found = byFallback
    ? (byAuthority(entry, callerNamespace, mesh) ?? byOriginalDestination(entry, callerNamespace, mesh))
    : (byOriginalDestination(entry, callerNamespace, mesh) ?? byAuthority(entry, callerNamespace, mesh));
  // Every fence sees the collector, and its proxy calls it for itself.
  if (found === undefined || found.host === mesh.collectorHost) return "unknown_destination";
  return found.host === mesh.fallbackHost ? "fallback_itself" : found;
}

/**
 * Whether a call took the way of the fallback: the caller's Envoy sent it there, or the fallback
 * itself reports it.
 */
export function wentByFallback({ upstreamCluster, fenceSource }: AccessLogEntry, mesh: Mesh): boolean {
  return fenceSource !== "" || isCluster(upstreamCluster, mesh.fallbackHost);
}

/**
 * The fallback's own Service need not be in the registry (a folder of manifests may lack it), yet
 * its cluster must be known for what it is.
 */
function isCluster(cluster: string, host: string): boolean {
  return cluster.startsWith("outbound|") && cluster.endsWith(`|${host}`);
}

/**
 * The Service port behind the address that was dialled. A pod's address is its headless Service's,
 * unless the caller named another Service that has the pod.
 */
function byOriginalDestination(
  { authority, downstreamLocalAddress }: AccessLogEntry,
  namespace: string,
  mesh: Mesh,
): Destination | undefined {
  if (downstreamLocalAddress === undefined) return undefined;
  const { address, port } = downstreamLocalAddress;
  return mesh.registry.byAddress(address, port, { host: mesh.named.of(authority, namespace), namespace, prefersHeadless: true });
}

function byAuthority({ authority, downstreamLocalAddress }: AccessLogEntry, callerNamespace: string, mesh: Mesh): Destination | undefined {
  const parsed = authority === "" ? undefined : parseAuthority(authority);
  if (parsed === undefined) return undefined;
  const { kind, host } = parsed;
  const ports = parsed.port === undefined ? [downstreamLocalAddress?.port ?? DEFAULT_HTTP_PORT, DEFAULT_HTTP_PORT] : [parsed.port];
  for (const port of ports) {
    const found =
      kind === "name"
        ? mesh.destinationOfHost(host, port, callerNamespace)
        : mesh.registry.byAddress(host, port, { namespace: callerNamespace, prefersHeadless: true });
    if (found !== undefined) return found;
  }
  return undefined;
}
