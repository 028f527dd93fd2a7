import assert from "node:assert/strict";
import { test } from "node:test";
import { WHOLE_MESH } from "@fenceline/api/vocabulary";
import { sidecarEntries } from "./default-sidecars.ts";

const ROOTS = ["istio-system", "canary-root"];
const own = { namespace: "shop", egressHosts: ["./*"] };
const open = { namespace: "shop" };
const root = { namespace: "istio-system", egressHosts: ["./*", "istio-system/*"] };
const huge = { namespace: "shop", egressHosts: Array.from({ length: 1_000 }, (_, at) => `*/host-${at}.${"a".repeat(60)}.example`) };

for (const [what, sidecars, expected] of [
  ["nobody's: nothing is told", [], []],
  ["one that hides nothing: nothing is told", [open, { namespace: "istio-system" }], []],
  ["a namespace's own", [own], [["shop", [["./*"]]]]],
  [
    "the root namespace's: the whole mesh, and the root namespace itself",
    [root],
    [WHOLE_MESH, "istio-system"].map((of) => [of, [root.egressHosts]]),
  ],
  [
    "a namespace's own that hides nothing, in place of the root namespace's",
    [open, root],
    [
      [WHOLE_MESH, [root.egressHosts]],
      ["shop", []],
      ["istio-system", [root.egressHosts]],
    ],
  ],
  [
    "several of a namespace: each, but for those that hide nothing",
    [own, open, { ...own, egressHosts: ["*/*", "~db/*"] }],
    [["shop", [["./*"], ["*/*", "~db/*"]]]],
  ],
  [
    "the roots of several control planes: each",
    [root, { namespace: "canary-root", egressHosts: ["./*"] }],
    [
      [WHOLE_MESH, [root.egressHosts, ["./*"]]],
      ["istio-system", [root.egressHosts]],
      ["canary-root", [["./*"]]],
    ],
  ],
  ["more than is told of a namespace: it shows nothing", [huge], [["shop", [[]]]]],
] as const)
  test(`issue 16: what default Sidecars show: ${what}`, () => {
    assert.deepEqual([...sidecarEntries(sidecars, ROOTS)], expected);
  });
