import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "@fenceline/api";
import fc from "fast-check";
import { PodValues } from "./pod-values.ts";

function pod(namespace: string, name: string, labels: Readonly<Record<string, string>>): Pod {
  return Pod.parse({ apiVersion: "v1", kind: "Pod", metadata: { namespace, name, labels } });
}

test("row 35: pods with the same labels are one, and only the first and the last of them touch the namespace", () => {
  const [one, two] = [pod("s", "a-1", { app: "a", x: "1" }), pod("s", "a-2", { x: "1", app: "a" })];
  const values = new PodValues("app", []);
  assert.deepEqual([...values.apply([{ before: undefined, after: one }])], ["s"]);
  assert.deepEqual([...values.apply([{ before: undefined, after: two }])], []);
  assert.deepEqual([...values.apply([{ before: two, after: two }])], [], "told once more");
  assert.deepEqual(values.in("s"), [{ value: "a", pods: [{ app: "a", x: "1" }] }]);
  assert.deepEqual([...values.apply([{ before: one, after: undefined }])], []);
  assert.deepEqual([...values.apply([{ before: two, after: undefined }])], ["s"]);
  assert.deepEqual([...values.namespaces(), ...values.in("s")], []);
});

test("law: after any changes the values are those of the pods that are there, and every change of them is told", () => {
  const labels = fc.dictionary(fc.constantFrom("app", "track"), fc.constantFrom("", "a", "b"));
  const change = fc.tuple(fc.constantFrom("s", "t"), fc.constantFrom("1", "2", "3"), fc.option(labels, { nil: undefined }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const values = new PodValues("app", []);
      const there = new Map<string, Pod>();
      for (const [namespace, name, next] of changes) {
        const id = `${namespace}/${name}`;
        const [before, after] = [there.get(id), next && pod(namespace, name, next)];
        const known = JSON.stringify(values.in(namespace));
        const touched = values.apply([{ before: before ?? after, after }]);
        if (after === undefined) there.delete(id);
        else there.set(id, after);
        if (JSON.stringify(values.in(namespace)) !== known) assert.ok(touched.has(namespace));
      }
      for (const namespace of ["s", "t"])
        assert.deepEqual(plain(values, namespace), plain(new PodValues("app", [...there.values()]), namespace));
    }),
  );
});

/** Without the order in which pods came. */
function plain(values: PodValues, namespace: string) {
  const textOf = (labels: object) => JSON.stringify(Object.entries(labels).sort());
  return values.in(namespace).map(({ value, pods }) => ({ value, pods: pods.map(textOf).sort() }));
}
