export type { AccessLogEntry, SocketAddress, StreamIdentifier } from "./access-log-entry.ts";
export { type AccessLogMessage, decodeAccessLogMessage } from "./decode/message.ts";
export type { EntryFields } from "./encode/entry.ts";
export { encodeAccessLogMessage, type IdentifierFields, type MessageFields } from "./encode/message.ts";
export type { EdgeReport } from "./reporter/edge-buffer.ts";
export {
  createEdgeReporter,
  type EdgeReporter,
  type EdgeReporterOptions,
  type ReporterEvent,
  type ReporterStats,
} from "./reporter/edge-reporter.ts";
export { type AccessLogLimits, type AccessLogServiceOptions, accessLogService } from "./service/access-log-service.ts";
export { type AccessLogSink, type AccessLogStream, DROP_REASONS, type DropReason } from "./service/sink.ts";
