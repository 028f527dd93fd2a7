import assert from "node:assert/strict";
import { test } from "node:test";
import { SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Reads } from "@fenceline/registry";
import { base, limiterText, rule } from "../testing/limiters.ts";
import { meshOf, snapshotOf } from "../testing/mesh.ts";
import { HostEntries } from "./host-entries.ts";
import { LimitedNamespace } from "./limited-namespace.ts";
import type { LimiterPods } from "./limiter-pods.ts";
import { SubsetRules } from "./subset-rules.ts";

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
  const limiters = new Map(
    snapshotOf(manifests)
      .of(SMART_LIMITER)
      .map((each) => [each.metadata.name, each]),
  );
  const { registry } = meshOf(manifests);
  const read: (Reads | undefined)[] = [];
  const onLooked = (_: SmartLimiter, pods: LimiterPods | undefined) => read.push(pods?.reads);
  const namespace = new LimitedNamespace({
    sources: { rules: new SubsetRules("cluster.local"), entries: new HostEntries(["app"]) },
    registry: () => registry,
    onLooked,
  });
  namespace.apply({ limiters, readers: [] });
  return { groups: namespace.groupsOf("a").length, endpoints: read.flatMap((reads) => [...(reads?.endpoints ?? [])]) };
}

test("the ports behind Services are looked up where a rule names a port of theirs, and nowhere else", () => {
  assert.deepEqual(readOf({ port: 80 }), { groups: 1, endpoints: ["shop/front"] });
  for (const target of [{}, { port: 0 }, { port: 81 }]) assert.deepEqual(readOf(target), { groups: 1, endpoints: [] });
});
