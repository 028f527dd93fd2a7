import { parseArgs } from "node:util";
import { FencelineError } from "@fenceline/api";
import { chooseReleases, type Releases } from "./setup/releases.ts";

/** The arguments of the command line. */
export interface Arguments<T> {
  readonly releases: Releases;
  /** All suites if none is named. */
  readonly suites: readonly T[];
}

/**
 * Reads `[--envoy NAME] [--istio NAME] [SUITE…]`.
 *
 * @param suites all suites
 * @throws {FencelineError} `LAB_ARGUMENTS`, `LAB_NO_RELEASE`, `LAB_NO_SUITE` with the possible
 * values
 */
export function readArguments<T extends { readonly name: string }>(args: readonly string[], suites: readonly T[]): Arguments<T> {
  const { values, positionals } = parse(args);
  const releases = chooseReleases(values);
  const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    const hint = suites.length === 0 ? "none is taken here" : `there are ${suites.map(({ name }) => name).join(", ")}`;
    throw new FencelineError("LAB_NO_SUITE", { message: `no suite '${unknown}'`, hint });
  }
  return { releases, suites: positionals.length === 0 ? suites : suites.filter(({ name }) => positionals.includes(name)) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { envoy: { type: "string" }, istio: { type: "string" } } });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FencelineError("LAB_ARGUMENTS", { message, hint: "there are --envoy and --istio, and names of suites", cause: error });
  }
}
