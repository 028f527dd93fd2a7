import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { parseDuration } from "../duration.ts";
import { duration } from "../duration-field.ts";
import { structuralSchema, validations } from "./structural-schema.ts";

test("a strict object becomes an object whose unknown fields are pruned, since a closed one cannot be said", () => {
  assert.deepEqual(structuralSchema(z.strictObject({ a: z.string().max(5).describe("A."), b: z.boolean().optional() })), {
    type: "object",
    required: ["a"],
    properties: { a: { description: "A.", type: "string", maxLength: 5 }, b: { type: "boolean" } },
  });
});

test("a default is left out, so that the stored object says what its author said", () => {
  assert.deepEqual(structuralSchema(z.strictObject({ mode: z.enum(["a", "b"]).default("a") })), {
    type: "object",
    properties: { mode: { type: "string", enum: ["a", "b"] } },
  });
});

test("a union with null is nullable, also around another union", () => {
  assert.deepEqual(structuralSchema(z.array(z.string()).nullish()), { type: "array", nullable: true, items: { type: "string" } });
  assert.deepEqual(structuralSchema(z.union([z.enum(["A"]), z.int()]).nullish()), {
    "x-kubernetes-int-or-string": true,
    nullable: true,
  });
});

test("a union of integer and text is int-or-string, with the pattern of the text", () => {
  assert.deepEqual(structuralSchema(z.union([z.int(), z.string().regex(/^\d+$/)])), {
    "x-kubernetes-int-or-string": true,
    pattern: "^\\d+$",
  });
});

test("any other union is kept as it is; of its texts and lists the API server checks what they hold, of the rest nothing", () => {
  assert.deepEqual(structuralSchema(z.union([z.enum(["None", "All"]), z.array(z.string().max(9))]).describe("What.")), {
    description: "What.",
    "x-kubernetes-preserve-unknown-fields": true,
    pattern: "^(None|All)$",
    items: { type: "string", maxLength: 9 },
  });
  assert.deepEqual(structuralSchema(z.union([z.boolean(), z.int()])), { "x-kubernetes-preserve-unknown-fields": true });
});

test("limits of a field are kept, those of JavaScript's numbers are not", () => {
  assert.deepEqual(structuralSchema(z.int()), { type: "integer" });
  assert.deepEqual(structuralSchema(z.int().min(1)), { type: "integer", minimum: 1 });
});

test("a map keeps the schema of its values; its keys cannot have one", () => {
  assert.deepEqual(structuralSchema(z.record(z.string().max(3), z.int())), { type: "object", additionalProperties: { type: "integer" } });
});

test("a schema that Kubernetes has no word for is an error, not a gap", () => {
  assert.throws(() => structuralSchema(z.strictObject({ any: z.unknown() })), TypeError);
});

test("the pattern of a duration takes what the parser takes, but for its upper limit", () => {
  const pattern = new RegExp(structuralSchema(duration).pattern ?? "");
  const unit = fc.constantFrom("ms", "s", "m", "h", "d", "");
  const part = fc.tuple(fc.constantFrom("0", "1", "90", "1.5", ".5", "1.", "-1"), unit).map(([count, name]) => count + name);
  const text = fc.array(part, { maxLength: 3 }).map((parts) => parts.join(""));
  fc.assert(fc.property(text, (candidate) => assert.equal(pattern.test(candidate), parseDuration(candidate) !== undefined)));
});

test("a rule in CEL stands beside the field that it is about, and nothing of it is lost in a union with null", () => {
  const rule = { rule: "self.min <= self.max", message: "min is greater than max" };
  const range = z.strictObject({ min: z.int(), max: z.int() }).meta(validations(rule));
  const schema = structuralSchema(z.strictObject({ range, other: range.nullish() }));
  assert.deepEqual(schema.properties?.range?.["x-kubernetes-validations"], [rule]);
  assert.deepEqual(schema.properties?.other?.["x-kubernetes-validations"], [rule]);
  assert.equal(schema.properties?.other?.nullable, true);
});
