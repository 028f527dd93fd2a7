/**
 * The protocol of callers. Each proxy uses the same to the destination if it can (README, "What is
 * measured").
 */
export type Protocol = "http1" | "http2" | "grpc";

/** One shape of load, measured through every proxy that speaks its protocol. */
export interface Row {
  /** Short name, for the command line. */
  readonly id: string;
  readonly title: string;
  readonly protocol: Protocol;
  /** Options of `http-load load`. */
  readonly load: readonly string[];
}

/** 32 requests at a time, as an Envoy sends them: few connections, many streams. */
const STREAMS = ["-connections", "4", "-streams", "8"];

/** All rows, in the order in which they are measured. */
export const ROWS: readonly Row[] = [
  { id: "64b-1", title: "64 B answers, 1 connection", protocol: "http1", load: ["-connections", "1"] },
  { id: "64b-32", title: "64 B answers, 32 connections", protocol: "http1", load: ["-connections", "32"] },
  { id: "64b-256", title: "64 B answers, 256 connections", protocol: "http1", load: ["-connections", "256"] },
  { id: "64k", title: "64 KiB answers, 32 connections", protocol: "http1", load: ["-connections", "32", "-answer", "65536"] },
  { id: "post", title: "1 KiB POST, 32 connections", protocol: "http1", load: ["-connections", "32", "-body", "1024"] },
  { id: "new", title: "a new connection each, 32 at once", protocol: "http1", load: ["-connections", "32", "-fresh"] },
  { id: "http2", title: "HTTP/2, 64 B answers, 4 × 8 streams", protocol: "http2", load: [...STREAMS, "-protocol", "http2"] },
  { id: "grpc", title: "gRPC unary, 64 B messages, 4 × 8 streams", protocol: "grpc", load: [...STREAMS, "-protocol", "grpc"] },
];

/** The row of the goals against Envoy and Go. */
export const MAIN_ROW = "64b-32";
