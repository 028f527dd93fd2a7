/** h2spec, the conformance test of HTTP/2, as `npm test` installs it. */

interface Location {
  h2specBinary(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/h2spec-location.mjs", import.meta.url).href)) as Location;

/**
 * The h2spec binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_H2SPEC` names another binary and wins.
 */
export function h2specBinary(): string | undefined {
  return location.h2specBinary();
}
