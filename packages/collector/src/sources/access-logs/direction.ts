/** Whether an access-log entry tells of a call that the workload made. */
import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import { parseFenceLogName } from "@fenceline/api";
import { canonicalAddress } from "@fenceline/registry";

/** Who may have written an entry, as far as its stream says. */
export interface Writer {
  /** Its stream is of a fence's own access logger, which stands on outbound listeners alone. */
  readonly isOutboundLogger: boolean;
  /** Address of the pod, from the node's id; undefined where that cannot be read. */
  readonly address: string | undefined;
}

/** Clusters that Istio gives calls from the workload. */
const OUTBOUND = "outbound|";
const PASSTHROUGH = "PassthroughCluster";
/**
 * Clusters that the inbound listeners and the bootstrap of Istio have: calls to the workload,
 * probes, scrapes, and what the proxy does for itself. `BlackHoleCluster` goes nowhere.
 */
const NO_CALLS = new RegExp(
  `^(?:${[
    "inbound[|-].*|InboundPassthrough.*|virtualInbound.*|BlackHoleCluster",
    "agent|prometheus_stats|xds-grpc.*|sds-.*",
    "zipkin|tracing|lightstep|datadog_agent|opencensus.*|skywalking|envoy_metrics_service|envoy_accesslog_service",
    "internal_outbound|main_internal|encap|connect_originate",
  ].join("|")})$`,
);
/** Nodes of Istio are `sidecar~<address>~<pod>.<namespace>~<domain>`, or of another type. */
const NODE = /^([^~]+)~([^~]*)/;
const LOOPBACK = /^(?:127\.|::1$)/;

/** Whether a node says that it is something else than a sidecar: a gateway, a waypoint, ztunnel. */
export function isNoSidecar({ id }: AccessLogStream["node"]): boolean {
  const type = NODE.exec(id)?.[1];
  return type !== undefined && type !== "sidecar";
}

export function writerOf({ logName, node }: AccessLogStream): Writer {
  const [, , address = ""] = NODE.exec(node.id) ?? [];
  return { isOutboundLogger: parseFenceLogName(logName) !== undefined, address: address === "" ? undefined : canonicalAddress(address) };
}

/** Whether a cluster says by its name that nothing in it is a call of the workload. */
export function isNoCall(cluster: string, collectorHost: string): boolean {
  return cluster.startsWith(OUTBOUND) ? cluster.endsWith(`|${collectorHost}`) : NO_CALLS.test(cluster);
}

/**
 * Whether an entry tells of a call that the workload made. A user's own logger writes down what
 * comes to the workload too, and so does one on the listeners of the proxy itself. Were such an
 * entry to count, a workload that is only called would seem observed while its own calls are not,
 * and it would learn itself as a host that it calls.
 *
 * Istio's name of the cluster decides. Where there is none, as for a request that no route takes,
 * or a name of somebody else's, what was dialled is not the pod itself, and a fence's own logger is
 * believed; of any other the addresses have to say that the pod opened the connection.
 */
export function isOutbound(entry: AccessLogEntry, { isOutboundLogger, address }: Writer, collectorHost: string): boolean {
  const { upstreamCluster: cluster, downstreamLocalAddress: local, downstreamDirectRemoteAddress: remote } = entry;
  if (isNoCall(cluster, collectorHost)) return false;
  if (cluster.startsWith(OUTBOUND)) return true;
  if (address !== undefined && local?.address === address) return false;
  if (isOutboundLogger || cluster === PASSTHROUGH) return true;
  return remote !== undefined && (remote.address === address || LOOPBACK.test(remote.address));
}
