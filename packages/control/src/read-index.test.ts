import assert from "node:assert/strict";
import { test } from "node:test";
import { type ObjectRef, refText } from "@fenceline/api";
import fc from "fast-check";
import { ReadIndex } from "./read-index.ts";

const ref = (name: string): ObjectRef => ({ kind: "Widget", namespace: "test1", name });

test("the readers of a topic are those whose last reads have it, after any sequence of changes", () => {
  const name = fc.constantFrom("a", "b", "c");
  const topics = fc.uniqueArray(fc.constantFrom("x", "y", "z"));
  fc.assert(
    fc.property(fc.array(fc.record({ name, topics: fc.option(topics, { nil: undefined }) })), (steps) => {
      const index = new ReadIndex();
      const model = new Map<string, readonly string[]>();
      for (const step of steps) {
        if (step.topics === undefined) index.delete(ref(step.name));
        else index.set(ref(step.name), new Set(step.topics));
        model.set(step.name, step.topics ?? []);
      }
      for (const topic of ["x", "y", "z"]) {
        const expected = [...model].filter(([, read]) => read.includes(topic)).map(([reader]) => refText(ref(reader)));
        assert.deepEqual([...index.readersOf(topic)].map(refText).sort(), expected.sort());
      }
      assert.equal(index.size, new Set([...model.values()].flat()).size);
    }),
  );
});
