import type { AccessLogEntry } from "@fenceline/als";
import { type Destination, parseAuthority } from "@fenceline/registry";
import type { Mesh } from "../../mesh.ts";
import { isNoCall } from "./direction.ts";
import type { EntryDropReason } from "./entry-drop-reason.ts";

const DEFAULT_HTTP_PORT = 80;

/**
 * Finds out what was called, from an access-log entry. The result is always in the registry.
 *
 * 1. The upstream cluster. It is the result of routing, so it counts whatever the Host header is,
 *    even where it is no Service of the mesh.
 * 2. For a call to the fallback: the host, by which the fallback goes. Where the host does not
 *    exist, the original destination.
 * 3. For any other call without a cluster of its own (`PassthroughCluster`): the original
 *    destination, which Envoy dialled, then the host.
 */
export function destinationOf(entry: AccessLogEntry, callerNamespace: string, mesh: Mesh): Destination | EntryDropReason {
  if (isNoCall(entry.upstreamCluster, mesh.collectorHost)) return "unknown_destination";
  const upstream = mesh.destinationOfCluster(entry.upstreamCluster);
  if (upstream !== undefined && upstream.host !== mesh.fallbackHost) return upstream;
  const byFallback = wentByFallback(entry, mesh);
  // Outside of the mesh, whatever the Host is: a VirtualService may send any host there.
  if (!byFallback && entry.upstreamCluster.startsWith("outbound|")) return "unknown_destination";
  const found = byFallback
    ? (byAuthority(entry, callerNamespace, mesh) ?? byOriginalDestination(entry, callerNamespace, mesh))
    : (byOriginalDestination(entry, callerNamespace, mesh) ?? byAuthority(entry, callerNamespace, mesh));
  // Every fence shows the collector, and its proxy itself calls it.
  if (found === undefined || found.host === mesh.collectorHost) return "unknown_destination";
  return found.host === mesh.fallbackHost ? "fallback_itself" : found;
}

/**
 * Whether a call used the fallback: the caller's Envoy sent it there, or the fallback itself
 * reports it.
 */
export function wentByFallback({ upstreamCluster, fenceSource }: AccessLogEntry, mesh: Mesh): boolean {
  return fenceSource !== "" || isCluster(upstreamCluster, mesh.fallbackHost);
}

/**
 * The fallback's own Service may be missing in the registry, as in a folder of manifests, yet its
 * cluster must be recognised.
 */
function isCluster(cluster: string, host: string): boolean {
  return cluster.startsWith("outbound|") && cluster.endsWith(`|${host}`);
}

/**
 * The Service port behind the address that was dialled. A pod's address belongs to its headless
 * Service, unless the caller named another Service of the pod.
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
