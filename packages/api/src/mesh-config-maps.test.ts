import assert from "node:assert/strict";
import { test } from "node:test";
import { meshConfigMapsOf, systemNamespaces } from "./config-answers.ts";
import { parseConfig } from "./config-file.ts";

for (const [what, text, names] of [
  ["Istio's, unless it says otherwise", "{}", ["istio"]],
  ["those of several revisions", "meshConfigMaps: [istio, istio-canary]", ["istio", "istio-canary"]],
  ["the one that it names by the field's older name, and no other", "meshConfigMap: istio-canary", ["istio-canary"]],
  ["by both names, none twice", "{meshConfigMaps: [istio, istio-canary], meshConfigMap: istio}", ["istio", "istio-canary"]],
] as const) {
  test(`T-05 the ConfigMaps with MeshConfig are ${what}`, () => {
    const keys = meshConfigMapsOf(parseConfig(text, "config.yaml"));
    assert.deepEqual(
      keys,
      names.map((name) => ({ namespace: "istio-system", name })),
    );
  });
}

for (const value of ["[]", "[Istio]", "istio", `[${Array.from({ length: 17 }, (_, at) => `istio-${at}`).join()}]`]) {
  test(`T-05 meshConfigMaps of ${value.slice(0, 20)} is refused, and says where`, () => {
    assert.throws(() => parseConfig(`meshConfigMaps: ${value}`, "config.yaml"), /meshConfigMaps/);
  });
}

test("T-07 the configured root namespace, and each that a MeshConfig names, are Istio's", () => {
  const config = parseConfig("rootNamespace: root-0", "config.yaml");
  const reserved = systemNamespaces({ ...config, meshRootNamespaces: ["root-1", "root-2"] });
  assert.deepEqual(reserved, new Set(["fenceline", "istio-system", "root-0", "root-1", "root-2"]));
});
