/**
 * The method that Envoy calls with `transport_api_version: V3`, as every Envoy since 1.20 does. Our
 * own reports use it, too.
 */
export const STREAM_V3 = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/** The same method of the v2 API, for Envoys before 1.20. */
export const STREAM_V2 = "/envoy.service.accesslog.v2.AccessLogService/StreamAccessLogs";

/** `StreamAccessLogsResponse`: a message without fields is no bytes at all. */
export const EMPTY_RESPONSE: Buffer = Buffer.alloc(0);
