/** A Python with grpcio, as `npm test` installs it. */

interface Location {
  grpcioPython(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/grpcio-location.mjs", import.meta.url).href)) as Location;

/**
 * A Python that has grpcio, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_GRPCIO_PYTHON` names another and wins.
 */
export function grpcioPython(): string | undefined {
  return location.grpcioPython();
}
