import type { HostLimit, HostLimits } from "./limits.ts";

/**
 * The gRPC status codes with which a {@link GrpcHost} and its services answer.
 * @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html
 */
export const GRPC_STATUS = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** How a call ended, or why it was refused. */
export interface GrpcStatus {
  readonly code: number;
  /** What is wrong and what to do, for the log of the sender. Printable ASCII. */
  readonly details: string;
}

export const OK: GrpcStatus = { code: GRPC_STATUS.OK, details: "" };

const DETAILS: Partial<Record<HostLimit, string>> = {
  compressed: "compressed messages are not taken: send grpc-encoding identity",
  framing: "a message prefix has an unknown flag",
  message_time: "a message was begun and not finished in time",
  peer_bytes: "this peer holds too much in unfinished messages",
  peer_connections: "this peer has too many connections, or opens them too often",
  peer_streams: "this peer has too many streams",
  stream_rate: "this peer opens streams too often",
  overhead: "this peer sends too much beside its messages",
  streams: "too many streams on this replica: another may have room",
  displaced: "another peer needed the room of this stream",
};

/** The status of a call that exceeded this limit. */
export function limitStatus(limit: HostLimit, limits: HostLimits): GrpcStatus {
  const details = limit === "message_size" ? `a message may have ${limits.maxMessageBytes} bytes` : (DETAILS[limit] ?? limit);
  return { code: codeOf(limit), details };
}

function codeOf(limit: HostLimit): number {
  if (limit === "compressed") return GRPC_STATUS.UNIMPLEMENTED;
  return limit === "framing" ? GRPC_STATUS.INTERNAL : GRPC_STATUS.RESOURCE_EXHAUSTED;
}
