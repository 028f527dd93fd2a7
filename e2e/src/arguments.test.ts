import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "./arguments.ts";
import { DEFAULT_RELEASES, ENVOYS, ISTIOS } from "./setup/releases.ts";

const SUITES = [{ name: "one" }, { name: "two" }];

test("without arguments every suite runs, with the newest Envoy and the newest Istio", () => {
  assert.deepEqual(readArguments([], SUITES), { releases: DEFAULT_RELEASES, suites: SUITES });
  assert.deepEqual([DEFAULT_RELEASES.envoy, DEFAULT_RELEASES.istio], [ENVOYS.at(-1), ISTIOS.at(-1)]);
});

test("Envoy and Istio are chosen by name, anywhere among the suites", () => {
  const { releases, suites } = readArguments(["two", "--envoy", "1.37", "--istio=2026-04"], SUITES);
  assert.deepEqual([releases.envoy.version, releases.istio.module], ["1.37.0", "v0.0.0-20260423205519-b01690e6db7d"]);
  assert.deepEqual(suites, [{ name: "two" }]);
});

test("an unknown name is refused with the list of those that there are", () => {
  for (const [args, code, list] of [
    [["--envoy", "1.12"], "LAB_NO_RELEASE", "1.37, 1.38, 1.39, 1.40"],
    [["--envoy", "1.37.0"], "LAB_NO_RELEASE", "1.37, 1.38, 1.39, 1.40"],
    [["--istio", "1.30"], "LAB_NO_RELEASE", "2026-04, 2026-08"],
    [["three"], "LAB_NO_SUITE", "one, two"],
    [["--istiod", "2026-04"], "LAB_ARGUMENTS", "--envoy and --istio"],
    [["--envoy"], "LAB_ARGUMENTS", "--envoy and --istio"],
  ] as const) {
    assert.throws(() => readArguments(args, SUITES), { code, message: new RegExp(list) }, args.join(" "));
  }
});
