import assert from "node:assert/strict";
import { test } from "node:test";
import { SMART_LIMITER } from "@fenceline/api";
import { base, limiterText, rule } from "../testing/limiters.ts";
import { meshOf, snapshotOf } from "../testing/mesh.ts";
import { limitedNamespace } from "./limited-namespace.ts";

/** In front of the pods of limiter `a`. It selects by fewer labels, so it counts no pods. */
const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "front", namespace: "shop" },
  spec: { selector: { app: "a", tier: "web" }, ports: [{ name: "http", port: 80, targetPort: "web" }] },
};

function readOf(target: object) {
  const limiter = limiterText("a", { workloadSelector: { app: "a", tier: "web", zone: "x" }, target, ...base(rule()) });
  const manifests = [JSON.stringify(SERVICE), limiter].join("\n---\n");
  const limiters = snapshotOf(manifests).of(SMART_LIMITER);
  const { registry } = meshOf(manifests);
  const { groups, reads } = limitedNamespace({ namespace: "shop", limiters, destinationRules: [], registry });
  return { groups: groups.length, endpoints: [...reads.endpoints] };
}

test("the ports behind Services are looked up where a rule names a port of theirs, and nowhere else", () => {
  assert.deepEqual(readOf({ port: 80 }), { groups: 1, endpoints: ["shop/front"] });
  for (const target of [{}, { port: 0 }, { port: 81 }]) assert.deepEqual(readOf(target), { groups: 1, endpoints: [] });
});
