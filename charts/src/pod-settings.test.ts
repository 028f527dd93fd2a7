import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { goldenCases } from "./chart.ts";
import { type ChartObject, objectsIn } from "./testing/chart-objects.ts";
import type { Deployment } from "./testing/object-kinds.ts";

/**
 * What stands in the values of the case `everything` arrives where Kubernetes reads it. The golden
 * is held equal to what Helm renders by another test.
 */

const everything = goldenCases().find(({ values }) => values.endsWith("everything.values.yaml")) ?? assert.fail();
const values = parse(readFileSync(everything.values, "utf8"));
const objects = objectsIn(readFileSync(everything.golden, "utf8"));
const named = <T extends ChartObject>(kind: string, name: string) =>
  (objects.find((object) => object.kind === kind && object.metadata.name === name) ?? assert.fail(`no ${kind} ${name}`)) as T;

/** By what each is set, and where it goes: its own place, or among others of a list. */
const OF_THE_POD = ["topologySpreadConstraints", "priorityClassName"] as const;
const OF_THE_CONTAINER = ["livenessProbe", "securityContext"] as const;
const AMONG_OTHERS = { extraEnv: "env", extraArgs: "args", extraVolumeMounts: "volumeMounts" } as const;

for (const [part, name] of [
  ["globalSidecar", "global-sidecar"],
  ["collector", "fenceline-collector"],
] as const) {
  test(`T-53 each setting of the pods of ${name} arrives in its Deployment`, () => {
    const set = values[part];
    const { spec, metadata } = named<Deployment>("Deployment", name).spec.template;
    const container = (spec.containers[0] ?? assert.fail()) as unknown as Record<string, unknown[]> & { readonly image: string };
    const pod = spec as unknown as Record<string, unknown>;
    for (const key of OF_THE_POD) assert.deepEqual(pod[key], set[key], key);
    for (const key of OF_THE_CONTAINER) assert.partialDeepStrictEqual(container[key], set[key], key);
    assert.partialDeepStrictEqual(pod.securityContext, set.podSecurityContext);
    assert.partialDeepStrictEqual(metadata.labels, set.podLabels);
    assert.partialDeepStrictEqual(pod.volumes, set.extraVolumes);
    for (const [key, place] of Object.entries(AMONG_OTHERS)) {
      assert.ok(set[key].length > 0, key);
      for (const each of set[key])
        assert.ok(
          container[place]?.some((one) => isDeepStrictEqual(one, each)),
          key,
        );
    }
    assert.partialDeepStrictEqual(named("ServiceAccount", name).metadata.annotations, set.serviceAccount.annotations);
  });
}

test("T-53 a digest pins the image, commonLabels and nameOverride are on every object, and the autoscaler has its behavior", () => {
  const collector = named<Deployment>("Deployment", "fenceline-collector").spec.template.spec.containers[0];
  assert.ok(JSON.stringify(collector).includes(`${values.image.repository}@${values.image.digest}`), "the digest");
  for (const { kind, metadata } of objects) {
    const expected = { ...values.commonLabels, "app.kubernetes.io/name": values.nameOverride };
    assert.partialDeepStrictEqual(metadata.labels, expected, `${kind} ${metadata.name}`);
  }
  const autoscaler = named<ChartObject & { readonly spec: { readonly behavior: unknown } }>("HorizontalPodAutoscaler", "global-sidecar");
  assert.deepEqual(autoscaler.spec.behavior, values.globalSidecar.autoscaling.behavior);
});
