/** T-22: a bad file of what is rendered, or of what was learned, costs no answer of the API. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const MESH = `${CAPTURED_MESH}---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: b, namespace: test1}, spec: {enable: true}}
`;
const PATHS = ["/api/v1/fences", "/api/v1/edges", "/api/v1/fences/test1/a", "/api/v1/fences/test1/b"];

for (const [what, text] of [
  ["is empty", ""],
  ["is garbage", "\u0000{{{ : no YAML"],
  ["is a list", "- a\n- b\n"],
  ["holds another kind", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: test1}\n"],
  ["has fields of other types", "apiVersion: networking.istio.io/v1beta1\nkind: Sidecar\nmetadata: 7\nspec: [x]\n"],
] as const)
  for (const file of ["rendered/test1/Sidecar-a.yaml", "state/test1/ServiceFence-a.yaml"])
    test(`T-22 the API answers for every fence while ${file} ${what}, running and after a start`, async (t) => {
      const running = await startCollector(t, MESH);
      const isWhole = ({ read }: typeof running) => read("rendered/test1/Sidecar-a.yaml").includes("kind: Sidecar");
      await until(() => isWhole(running) && running.read("state/test1/ServiceFence-a.yaml") !== "");
      writeFileSync(join(running.folder, file), text);
      for (const path of PATHS) assert.equal((await running.request(path)).status, 200, path);
      const next = await running.restart(() => writeFileSync(join(running.folder, file), text));
      for (const path of PATHS) assert.equal((await next.request(path)).status, 200, path);
      const { fences } = JSON.parse((await next.request("/api/v1/fences")).body) as { readonly fences: readonly unknown[] };
      assert.equal(fences.length, 2);
      await until(() => isWhole(next));
    });

test("T-22 the API answers for every fence while what is rendered is gone as a whole", async (t) => {
  const running = await startCollector(t, MESH);
  await until(() => running.read("rendered/test1/Sidecar-b.yaml") !== "");
  rmSync(join(running.folder, "rendered"), { recursive: true });
  for (const path of PATHS) assert.equal((await running.request(path)).status, 200, path);
  await until(() => running.read("rendered/test1/Sidecar-b.yaml") !== "");
});
