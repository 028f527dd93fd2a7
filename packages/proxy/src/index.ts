export { ERROR_HEADER } from "./answer.ts";
export { AddressTable } from "./destination/address-table.ts";

export { HOP_HEADER } from "./destination/hop.ts";
export { createGlobalSidecar, type GlobalSidecar, type GlobalSidecarOptions } from "./global-sidecar.ts";
export type { ListenerOptions } from "./listener/http1-listener.ts";
export type { LoadLimits } from "./load/admission.ts";
export { type RefusalCode, STATUS_OF } from "./refusal.ts";
export type { CallKind, LongLivedCall } from "./report/calls-in-flight.ts";
export type { EdgeReporter, ReportedEdge, RequestReporter } from "./report/reported-edge.ts";
export { createDnsResolver, type DnsResolverOptions } from "./resolve/dns-resolver.ts";
export { createRegistryResolver } from "./resolve/registry-resolver.ts";
export { type Address, type Resolution, ResolutionError, type Resolver, type Target, toAddress } from "./resolve/resolver.ts";
export type { TunnelOptions } from "./tunnel/tunnel-context.ts";
export type { UpstreamOptions } from "./upstream/pools.ts";
export { PoolMetrics } from "./workers/pool-metrics.ts";
export { runWorker, type WorkerParts } from "./workers/run-worker.ts";
export { WorkerPool, type WorkerPoolOptions, type WorkerPoolTiming } from "./workers/worker-pool.ts";
