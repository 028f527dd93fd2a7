/** The peer of grpc-java, as `npm test` builds it. */

interface Location {
  grpcJavaFolder(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/grpc-java-location.mjs", import.meta.url).href)) as Location;

/**
 * The folder of its classes and jars, or undefined when there is none: tests then say so and are
 * skipped. `FENCELINE_GRPC_JAVA` names another and wins.
 */
export function grpcJavaFolder(): string | undefined {
  return location.grpcJavaFolder();
}
