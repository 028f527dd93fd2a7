/** grpc-peer, clients and servers of grpc-go and Go's net/http, as `npm test` builds it. */

interface Location {
  grpcPeerBinary(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/grpc-peer-location.mjs", import.meta.url).href)) as Location;

/**
 * The grpc-peer binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_GRPC_PEER` names another binary and wins.
 */
export function grpcPeerBinary(): string | undefined {
  return location.grpcPeerBinary();
}
