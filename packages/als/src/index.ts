export type { AccessLogEntry } from "./access-log-entry.ts";
export type { EntryFields } from "./encode/entry.ts";
export { encodeAccessLogMessage } from "./encode/message.ts";
export { createEdgeReporter, type EdgeReporter } from "./reporter/edge-reporter.ts";
export { accessLogService } from "./service/access-log-service.ts";
export { type AccessLogSink, type AccessLogStream, DROP_REASONS } from "./service/sink.ts";
