export type { AccessLogEntry, SocketAddress, StreamIdentifier, StreamNode } from "./access-log-entry.ts";
export { bearer, bearerToken, type CallerCheck, type CallerRefusal, type CallHeaders, fieldText } from "./caller-check.ts";
export { type AccessLogMessage, decodeAccessLogMessage } from "./decode/message.ts";
export type { EntryFields } from "./encode/entry.ts";
export type { IdentifierFields } from "./encode/identifier.ts";
export { encodeAccessLogMessage, type MessageFields } from "./encode/message.ts";
export type { GrpcHost, GrpcHostOptions } from "./host/grpc-host.ts";
export { GRPC_STATUS, type GrpcStatus, OK } from "./host/grpc-status.ts";
export { HOST_LIMITS, type HostLimit } from "./host/limits.ts";
export type { CallHandler, GrpcCall, GrpcMethod, GrpcService } from "./host/service.ts";
export { decodeAddressUpdate, encodeAddressUpdate, WATCH_ADDRESSES } from "./mesh-addresses/codec.ts";
export { type AddressFeed, meshAddressService } from "./mesh-addresses/service.ts";
export { type AddressWatch, type AddressWatchOptions, watchMeshAddresses } from "./mesh-addresses/watch.ts";
export type { EdgeReport } from "./reporter/edge-buffer.ts";
export {
  createEdgeReporter,
  type EdgeReporter,
  type EdgeReporterOptions,
  type ReporterEvent,
  type ReporterStats,
} from "./reporter/edge-reporter.ts";
export {
  type AccessLogServer,
  type AccessLogServerOptions,
  createAccessLogServer,
} from "./server/access-log-server.ts";
export { type AccessLogLimits, DEFAULT_LIMITS } from "./server/limits.ts";
export type { AccessLogSink, AccessLogStream, DropReason } from "./server/sink.ts";
