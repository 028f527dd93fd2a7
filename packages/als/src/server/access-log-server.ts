import { DEFAULT_TRUST_DOMAIN } from "@fenceline/api/vocabulary";
import type { CallerCheck } from "../caller-check.ts";
import { type GrpcHost, type GrpcHostOptions, startGrpcHost } from "../host/grpc-host.ts";
import type { HostLimit } from "../host/limits.ts";
import type { GrpcService } from "../host/service.ts";
import { accessLogService } from "./access-log-service.ts";
import { type AccessLogLimits, DEFAULT_LIMITS } from "./limits.ts";
import { peerOf } from "./peer-of.ts";
import { type AccessLogSink, guardSink } from "./sink.ts";

export interface AccessLogServerOptions extends Pick<GrpcHostOptions, "host" | "port"> {
  readonly sink: AccessLogSink;
  /** Any limit that is not given has its default. */
  readonly limits?: Partial<AccessLogLimits>;
  /** Trust domains of the mesh: whose identities tell peers apart. Default: Istio's own default. */
  readonly trustDomains?: () => readonly string[];
  /**
   * Whether a stream under the fallback's log name comes from the global sidecar; else it is
   * refused. Default: whoever sends one is believed.
   */
  readonly fallbackCaller?: CallerCheck;
  /** Whether the entries' `x-request-id` is read, for a log at level debug. Default false. */
  readonly requestIds?: boolean;
  /** Further services on the same port, under the same limits. */
  readonly services?: readonly GrpcService[];
}

/** A listening access-log server. */
export type AccessLogServer = GrpcHost;

/** Limits that refuse a stream altogether. */
const REFUSING: ReadonlySet<HostLimit> = new Set(["streams", "peer_streams"]);

/**
 * Serves Envoy's `AccessLogService/StreamAccessLogs` in v3 and v2, and further services, on one
 * port.
 *
 * @throws FencelineError `LISTEN_FAILED` when the address cannot be bound.
 */
export function createAccessLogServer(options: AccessLogServerOptions): Promise<AccessLogServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const sink = guardSink(options.sink);
  const { host, port, services = [], trustDomains = () => [DEFAULT_TRUST_DOMAIN], fallbackCaller = () => undefined } = options;
  return startGrpcHost({
    host,
    port,
    limits,
    services: [accessLogService({ sink, limits, fallbackCaller, wantsRequestIds: options.requestIds ?? false }), ...services],
    peerOf: (headers, address) => peerOf(headers, address, trustDomains()),
    onLimit: (limit, peer) => {
      sink.limited(limit, peer);
      if (REFUSING.has(limit)) sink.dropped("too_many_streams", 1);
    },
  });
}
