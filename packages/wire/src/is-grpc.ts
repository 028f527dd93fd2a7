const GRPC = /^application\/grpc(?:\+|[ \t]*(?:;|$))/i;

/**
 * Whether this Content-Type is gRPC's: `application/grpc`, alone, with a suffix (`+proto`) or with
 * parameters (RFC 9110 §8.3.1: case does not count).
 *
 * What merely begins with the same letters is none of it: `application/grpc-web` ends in a body
 * that carries its trailers, and its callers read an HTTP status; Envoy's
 * `Grpc::Common::hasGrpcContentType` draws the line at the same place.
 */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && GRPC.test(contentType);
}
