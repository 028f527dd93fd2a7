import type { AccessLogEntry } from "@fenceline/als";
import { isHeadless, parseAuthority } from "@fenceline/registry";
import type { Mesh } from "../../mesh.ts";
import { wentByFallback } from "./destination.ts";

/** A host to which a call was made, beside the one at which it ended. */
export interface AlsoCalled {
  readonly host: string;
  /** Undefined where the entry does not tell the port. */
  readonly port: number | undefined;
  /** Whether the fence learns the host. Otherwise it only stays in use if the fence has it. */
  readonly teaches: boolean;
}

const NONE: readonly AlsoCalled[] = [];

/**
 * The hosts to which a call was made although it ended at another one.
 *
 * - The name that the application used. A VirtualService on `c` may send its calls to `d`, and the
 *   entry has only the cluster of `d`. Without `c` in the fence there is no such route, so `c` is
 *   in use. Anybody may write any Host, so it teaches nothing.
 * - For TCP, which has no Host: the server name of its TLS.
 * - The ClusterIP that was dialled. TCP has no Host, and where a VirtualService rewrites the Host
 *   of calls to `c`, the entry has `d`.
 * - The headless Service of a pod that was dialled by its address, when the Host named another
 *   Service: the caller's Envoy knows the address only from the headless one.
 *
 * @param ended host at which the call ended; undefined where it is no Service
 */
export function alsoCalled(entry: AccessLogEntry, ended: string | undefined, callerNamespace: string, mesh: Mesh): readonly AlsoCalled[] {
  const { upstreamCluster, kind, authority, sni, downstreamLocalAddress: dialled } = entry;
  // The fallback goes by the Host, and the passthrough by the address: no VirtualService applies.
  if (wentByFallback(entry, mesh)) return NONE;
  if (upstreamCluster === "PassthroughCluster") return headlessOf(entry, ended, callerNamespace, mesh);
  const name = kind === "http" ? authority : sni;
  if (kind === "http" && name === "") return NONE;
  const named = mesh.named.of(name, callerNamespace);
  const byAddress = addressCalled(entry, ended, callerNamespace, mesh);
  // Nearly every call ends at the host that it names, and whose address was dialled.
  if (named === ended && (byAddress === undefined || byAddress === ended)) return NONE;
  const hosts = new Set([named, byAddress]);
  for (const none of [ended, undefined, mesh.fallbackHost, mesh.collectorHost]) hosts.delete(none);
  if (hosts.size === 0) return NONE;
  const port = parseAuthority(authority)?.port;
  return [...hosts].map((host = "") => ({ host, port: portOf(host, [dialled?.port, port], mesh), teaches: false }));
}

function headlessOf({ downstreamLocalAddress: dialled }: AccessLogEntry, ended: string | undefined, namespace: string, mesh: Mesh) {
  if (dialled === undefined || ended === undefined) return NONE;
  const found = mesh.registry.byAddress(dialled.address, dialled.port, { namespace, prefersHeadless: true });
  const service = found && mesh.registry.resolveHost(found.host);
  const isOther = service !== undefined && found?.host !== ended && isHeadless(service);
  return found !== undefined && isOther ? [{ ...found, teaches: true }] : NONE;
}

/** The Service whose address was dialled, or is in the Host. */
function addressCalled(entry: AccessLogEntry, ended: string | undefined, namespace: string, mesh: Mesh): string | undefined {
  const { kind, authority, downstreamLocalAddress: dialled } = entry;
  if (dialled === undefined) return undefined;
  const found = mesh.named.dialled(dialled, ended, namespace);
  const parsed = found !== undefined || kind === "tcp" ? undefined : parseAuthority(authority);
  if (parsed === undefined || parsed.kind === "name") return found;
  return mesh.named.dialled({ address: parsed.host, port: dialled.port }, ended, namespace);
}

/** The first of some numbers for which the Service has a port. */
function portOf(host: string, numbers: readonly (number | undefined)[], { registry }: Mesh): number | undefined {
  const service = registry.resolveHost(host);
  if (service === undefined) return undefined;
  return numbers.map((number) => (number === undefined ? undefined : registry.portOf(service, number))).find((port) => port !== undefined);
}
