/** Whether an access-log entry reports a call by the workload. */
import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import { parseFenceLogName } from "@fenceline/api";
import { canonicalAddress } from "@fenceline/registry";

/** What the stream of an entry tells about its sender. */
export interface Writer {
  /** Whether it comes from a fence's own access logger, which is only on outbound listeners. */
  readonly isOutboundLogger: boolean;
  /** Address of the pod, from the node's id; undefined where the id cannot be read. */
  readonly address: string | undefined;
}

/** Prefix of Istio's clusters for calls by the workload. */
const OUTBOUND = "outbound|";
const PASSTHROUGH = "PassthroughCluster";
/**
 * Clusters of Istio's inbound listeners and bootstrap: calls to the workload, probes, scrapes, and
 * calls of the proxy for itself. `BlackHoleCluster` leads nowhere.
 */
const NO_CALLS = new RegExp(
  `^(?:${[
    "inbound[|-].*|InboundPassthrough.*|virtualInbound.*|BlackHoleCluster",
    "agent|prometheus_stats|xds-grpc.*|sds-.*",
    "zipkin|tracing|lightstep|datadog_agent|opencensus.*|skywalking|envoy_metrics_service|envoy_accesslog_service",
    "internal_outbound|main_internal|encap|connect_originate",
  ].join("|")})$`,
);
/** A node's id of Istio is `sidecar~<address>~<pod>.<namespace>~<domain>`, or has another type. */
const NODE = /^([^~]+)~([^~]*)/;
const LOOPBACK = /^(?:127\.|::1$)/;

/** Whether a node's id shows that it is no sidecar: a gateway, a waypoint, ztunnel. */
export function isNoSidecar({ id }: AccessLogStream["node"]): boolean {
  const type = NODE.exec(id)?.[1];
  return type !== undefined && type !== "sidecar";
}

export function writerOf({ logName, node }: AccessLogStream): Writer {
  const [, , address = ""] = NODE.exec(node.id) ?? [];
  return { isOutboundLogger: parseFenceLogName(logName) !== undefined, address: address === "" ? undefined : canonicalAddress(address) };
}

/** Whether the name of a cluster shows that no call of the workload uses it. */
export function isNoCall(cluster: string, collectorHost: string): boolean {
  return cluster.startsWith(OUTBOUND) ? cluster.endsWith(`|${collectorHost}`) : NO_CALLS.test(cluster);
}

/**
 * Whether an entry reports a call by the workload. A user's own logger also logs what comes to the
 * workload, and so does one on the listeners of the proxy itself. If such an entry counted, a
 * workload that is only called would seem observed while its own calls are not, and it would learn
 * itself as a host.
 *
 * Istio's name of the cluster decides. There may be none, as for a request that no route matches,
 * or one of somebody else. Then the dialled address must not be the pod's own, and a fence's own
 * logger is believed. For any other logger, the addresses have to show that the pod opened the
 * connection.
 */
export function isOutbound(entry: AccessLogEntry, { isOutboundLogger, address }: Writer, collectorHost: string): boolean {
  const { upstreamCluster: cluster, downstreamLocalAddress: local, downstreamDirectRemoteAddress: remote } = entry;
  if (isNoCall(cluster, collectorHost)) return false;
  if (cluster.startsWith(OUTBOUND)) return true;
  if (address !== undefined && local?.address === address) return false;
  if (isOutboundLogger || cluster === PASSTHROUGH) return true;
  return remote !== undefined && (remote.address === address || LOOPBACK.test(remote.address));
}
