import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

/**
 * Kinds of gRPC methods, by who may send more than one message. The application has one method of
 * each kind, of that name.
 */
export type GrpcKind = "Unary" | "ClientStreaming" | "ServerStreaming" | "Bidirectional";

/** Messages are bytes: what is tested is how calls travel, not how messages are written. */
export const asBytes = (bytes: Buffer): Buffer => bytes;

/** Path of a method. */
export function methodPath(kind: GrpcKind): string {
  return `/lab.Echo/${kind}`;
}

/** Definition of the application's service, without a .proto file. */
export const ECHO_SERVICE = {
  Unary: method("Unary", false, false),
  ClientStreaming: method("ClientStreaming", true, false),
  ServerStreaming: method("ServerStreaming", false, true),
  Bidirectional: method("Bidirectional", true, true),
} satisfies ServiceDefinition;

function method(kind: GrpcKind, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: methodPath(kind),
    requestStream,
    responseStream,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  };
}
