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
