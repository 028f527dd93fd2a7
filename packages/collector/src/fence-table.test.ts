import assert from "node:assert/strict";
import { test } from "node:test";
import { fenceKeyOf, formatFenceKey, type Labels, ServiceFence } from "@fenceline/api";
import fc from "fast-check";
import { FenceTable } from "./fence-table.ts";

const NAMESPACES = ["shop", "shop-eu", "test1"] as const;
const NAMES = ["a", "b", "c"] as const;
const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels: fc.constantFrom<Labels>({}, { app: "a" }, { app: "b", v: "1" }),
});

const fence = fc
  .record({
    namespace: fc.constantFrom(...NAMESPACES),
    name: fc.constantFrom(...NAMES),
    labels: fc.constantFrom<Labels>({}, { app: "a" }, { app: "b" }, { v: "1" }),
  })
  .map(({ namespace, name, labels }) =>
    ServiceFence.parse({
      apiVersion: "microservice.slime.io/v1alpha1",
      kind: "ServiceFence",
      metadata: { namespace, name },
      spec: { workloadSelector: { labels } },
    }),
  );

const labelsOf = ({ spec }: ServiceFence) =>
  Object.keys(spec.workloadSelector.labels).length > 0 ? spec.workloadSelector.labels : undefined;

test("law: after any sequence of changes a pod's fence is the first by name of those whose selector takes it", () => {
  const steps = fc.array(fc.record({ fence, isGone: fc.nat(3).map((one) => one === 0), pod }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (all) => {
      const table = new FenceTable(labelsOf);
      const fences = new Map<string, ServiceFence>();
      for (const { fence: changed, isGone, pod: asked } of all) {
        const key = formatFenceKey(changed.metadata);
        table.changed(fences.get(key), isGone ? undefined : changed);
        if (isGone) fences.delete(key);
        else fences.set(key, changed);
        const ordered = [...fences].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
        assert.deepEqual(table.list(), ordered);
        const takes = ({ metadata, ...each }: ServiceFence) =>
          metadata.namespace === asked.namespace &&
          Object.entries(labelsOf({ metadata, ...each }) ?? { none: "" }).every(([name, value]) => asked.labels[name] === value);
        const expected = ordered.find(takes);
        assert.deepEqual(table.ofPod(asked.namespace, asked.labels), expected && fenceKeyOf(expected));
        for (const each of ordered) assert.equal(table.selects(fenceKeyOf(each), asked.namespace, asked.labels), takes(each));
      }
    }),
  );
});

test("a status changes nothing for pods; a fence that comes or goes, and another selector, do", () => {
  let labels: Labels = { app: "a" };
  const table = new FenceTable(() => labels);
  const [one] = fc.sample(fence, 1) as [ServiceFence];
  const versions = [table.version];
  const step = (change: () => void) => {
    change();
    versions.push(table.version);
  };
  step(() => table.changed(undefined, one));
  step(() => table.changed(one, { ...one, status: { domains: {} } }));
  labels = { app: "b" };
  step(() => table.serviceChanged(one.metadata));
  step(() => table.changed(one, undefined));
  step(() => table.changed(one, undefined));
  assert.deepEqual(versions, [0, 1, 1, 2, 3, 3]);
});
