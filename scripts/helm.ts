/**
 * The real Helm for the tests of the chart and for the lab, as `npm test` and `npm run e2e:setup`
 * install it.
 */

interface Location {
  readonly HELM_VERSION: string;
  helmBinary(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/helm-location.mjs", import.meta.url).href)) as Location;

/** The Helm release that tests run. */
export const HELM_VERSION: string = location.HELM_VERSION;

/**
 * The Helm binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_HELM` names another binary and wins.
 */
export function helmBinary(): string | undefined {
  return location.helmBinary();
}
