/** The real nginx that the proxy is compared with, as `npm test` installs it. */

interface Location {
  nginxBinary(): string | undefined;
}

// The place is stated once, in plain JavaScript, because the install script runs before Node 24 is
// there.
const location = (await import(new URL("./install/nginx-location.mjs", import.meta.url).href)) as Location;

/**
 * The nginx binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_NGINX` names another binary and wins.
 */
export function nginxBinary(): string | undefined {
  return location.nginxBinary();
}
