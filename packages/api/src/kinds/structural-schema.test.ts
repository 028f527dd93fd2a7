import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { parseDuration } from "../duration.ts";
import { duration } from "../duration-field.ts";
import { alsoNamed, eitherSpelling } from "./field-names.ts";
import { integerOrText, Struct, text, untyped, wordOrNumber } from "./fields.ts";
import { asSet, keyedBy } from "./keyed-lists.ts";
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

test("issue 14: what is not ours to look into is kept by the API server: an object, any value, and unknown fields beside known ones", () => {
  const kept = { "x-kubernetes-preserve-unknown-fields": true };
  assert.deepEqual(structuralSchema(Struct), { type: "object", ...kept });
  assert.deepEqual(structuralSchema(untyped().describe("Any.")), { description: "Any.", ...kept });
  assert.deepEqual(structuralSchema(z.looseObject({ a: z.boolean() })), {
    ...{ type: "object", required: ["a"], ...kept, properties: { a: { type: "boolean" } } },
  });
  assert.deepEqual(structuralSchema(z.record(z.string(), untyped())), { type: "object", additionalProperties: kept });
});

test("issue 14: bounds of texts, lists and numbers are kept, those of a union for what they are about", () => {
  assert.deepEqual(structuralSchema(text({ min: 1, max: 9, pattern: /^a/ })), {
    type: "string",
    pattern: "^a",
    minLength: 1,
    maxLength: 9,
  });
  assert.deepEqual(structuralSchema(z.array(z.boolean()).min(1).max(3)), {
    type: "array",
    minItems: 1,
    maxItems: 3,
    items: { type: "boolean" },
  });
  assert.deepEqual(structuralSchema(z.number().gt(0).lt(1)), {
    ...{ type: "number", minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
  });
  assert.deepEqual(structuralSchema(z.number().multipleOf(5)), { type: "number", multipleOf: 5 });
  assert.deepEqual(structuralSchema(z.union([text({ max: 9 }), z.array(text({ max: 3 })).max(2)])), {
    ...{ "x-kubernetes-preserve-unknown-fields": true, maxLength: 9, maxItems: 2, items: { type: "string", maxLength: 3 } },
  });
});

test("issue 14: a text is as long as Go counts it", () => {
  const schema = text({ min: 2, max: 3 });
  for (const [value, fits] of [
    ["😀", false],
    ["😀😀", true],
    ["😀😀😀", true],
    ["abcd", false],
    ["😀😀😀😀", false],
  ] as const)
    assert.equal(schema.safeParse(value).success, fits, value);
});

test("issue 14: numbers and enums of protobuf are int-or-string, with what is said of either", () => {
  assert.deepEqual(structuralSchema(integerOrText(3)), {
    ...{ "x-kubernetes-int-or-string": true, pattern: "^[0-9]{1,3}$", minimum: 0, maximum: 999 },
  });
  assert.equal(integerOrText(3).parse("017"), 17);
  assert.deepEqual(structuralSchema(wordOrNumber(["A", "B"])), { "x-kubernetes-int-or-string": true, enum: ["A", "B", 0, 1] });
  assert.deepEqual([wordOrNumber(["A", "B"]).parse(1), wordOrNumber(["A", "B"]).parse("A")], ["B", "A"]);
  assert.deepEqual(structuralSchema(z.literal([1, 2])), { type: "integer", enum: [1, 2] });
});

test("issue 14: lists that server-side apply merges say by what, and the parser refuses what stands in them twice", () => {
  const set = asSet(z.array(z.string()).max(3)).describe("S.");
  assert.deepEqual(structuralSchema(set), {
    ...{ description: "S.", type: "array", maxItems: 3, items: { type: "string" }, "x-kubernetes-list-type": "set" },
  });
  const map = keyedBy(z.array(z.strictObject({ name: z.string(), port: z.int() })), "name", "port");
  assert.partialDeepStrictEqual(structuralSchema(map), {
    ...{ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"] },
  });
  assert.deepEqual(
    set.safeParse(["a", "b", "a"]).error?.issues.map(({ path }) => path),
    [[2]],
  );
  const [one, other] = [
    { name: "a", port: 1 },
    { name: "a", port: 2 },
  ];
  assert.equal(map.safeParse([one, other]).success, true);
  assert.deepEqual(
    map.safeParse([one, other, one]).error?.issues.map(({ path }) => path),
    [[2]],
  );
});

test("issue 14: what tells elements of a list apart has one name, since the API server knows no other", () => {
  const list = keyedBy(z.array(z.strictObject(eitherSpelling({ portName: z.string() }))), "portName");
  assert.throws(() => structuralSchema(list), /told apart by portName, which must have one name/);
});

test("issue 14: a field of several names has a property for each, and one of them is enough", () => {
  const fields = eitherSpelling({
    maxHosts: z.int().meta(alsoNamed("most")),
    app: z.string(),
    dryRun: z.boolean().optional().describe("D."),
  });
  assert.deepEqual(structuralSchema(z.strictObject(fields)), {
    type: "object",
    required: ["app"],
    allOf: [{ anyOf: [{ required: ["maxHosts"] }, { required: ["max_hosts"] }, { required: ["most"] }] }],
    properties: {
      maxHosts: { type: "integer" },
      max_hosts: { type: "integer", description: "The same as `maxHosts`." },
      most: { type: "integer", description: "The same as `maxHosts`." },
      app: { type: "string" },
      dryRun: { type: "boolean", description: "D." },
      dry_run: { type: "boolean", description: "The same as `dryRun`." },
    },
  });
});

test("issue 14: a format, a pattern or a word that Go and JavaScript do not read alike is an error", () => {
  for (const schema of [z.url(), z.string().regex(/^(?!a)/), z.tuple([z.string()]), z.string().regex(/a/).regex(/b/)])
    assert.throws(() => structuralSchema(schema), TypeError);
});
