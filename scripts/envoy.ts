/** The real Envoy for tests and benchmarks, as `npm test` and `npm run bench` install it. */

interface Location {
  readonly ENVOY_VERSION: string;
  envoyBinary(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/envoy-location.mjs", import.meta.url).href)) as Location;

/** The Envoy release that tests and benchmarks run. */
export const ENVOY_VERSION: string = location.ENVOY_VERSION;

/**
 * The Envoy binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_ENVOY` names another binary and wins.
 */
export function envoyBinary(): string | undefined {
  return location.envoyBinary();
}
