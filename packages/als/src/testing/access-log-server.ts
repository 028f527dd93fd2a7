import { DEFAULT_TRUST_DOMAIN } from "@fenceline/api/vocabulary";
import {
  type GrpcHost,
  type GrpcHostOptions,
  type GrpcService,
  type HostLimit,
  type HostLimits,
  peerOf,
  startGrpcHost,
} from "@fenceline/wire";
import { type AccessLogLimits, type AccessLogServiceOptions, accessLogService } from "../service/access-log-service.ts";
import type { AccessLogSink } from "../service/sink.ts";

export type ServerLimits = HostLimits & AccessLogLimits;

/** A sink that is also told which limits of its host were exceeded. */
interface ServerSink extends AccessLogSink {
  limited?(limit: HostLimit, peer: string): void;
}

export interface AccessLogServerOptions extends Pick<GrpcHostOptions, "host" | "port">, Omit<AccessLogServiceOptions, "limits" | "sink"> {
  readonly sink: ServerSink;
  readonly limits?: Partial<ServerLimits>;
  /** Further services on the same port, under the same limits. */
  readonly services?: readonly GrpcService[];
}

/** A host of the access-log service, and of others, as the collector starts one. */
export function createAccessLogServer({ host, port, limits = {}, services = [], ...options }: AccessLogServerOptions): Promise<GrpcHost> {
  return startGrpcHost({
    host,
    port,
    limits,
    services: [accessLogService({ ...options, limits }), ...services],
    peerOf: (headers, address) => peerOf(headers, address, [DEFAULT_TRUST_DOMAIN]),
    onLimit: (limit, peer) => options.sink.limited?.(limit, peer),
  });
}
