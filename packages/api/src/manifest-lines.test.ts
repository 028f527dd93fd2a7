import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvalidManifests, parseManifests } from "./manifest.ts";

const FENCE = "apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a, namespace: test1}\n";
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { ports: [{ name: "http", port: 80 }] },
});

function namesIn(text: string, file = "a.json"): string[] {
  return parseManifests(text, file).objects.map(({ metadata }) => metadata.name);
}

function faultsOf(text: string, file = "a.yaml"): InvalidManifests["faults"] {
  try {
    parseManifests(text, file);
  } catch (error) {
    assert.ok(error instanceof InvalidManifests, String(error));
    return error.faults;
  }
  return assert.fail("accepted");
}

test("T-50 JSON objects that stand one behind the other are all read, as by kubectl, whatever stands in them", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.string({ unit: "binary" }), fc.constantFrom(undefined, 2, "\t"), fc.constantFrom("", " ", "\n", "\r\n", "\n\n  ")),
        {
          minLength: 2,
          maxLength: 6,
        },
      ),
      (parts) => {
        const texts = parts.map(([note, indent, gap], at) => `${JSON.stringify({ ...service(`s${at}`), note }, undefined, indent)}${gap}`);
        assert.deepEqual(
          namesIn(texts.join("")),
          parts.map((_, at) => `s${at}`),
        );
      },
    ),
  );
  assert.deepEqual(namesIn(`${JSON.stringify(service("a"))}\n---\n${JSON.stringify(service("b"))}\n`, "a.yaml"), ["a", "b"]);
});

test("T-50 a fault in the second of several JSON objects names its line, and what is only half JSON is refused", () => {
  const [wrong] = faultsOf(
    `${JSON.stringify(service("a"), undefined, 2)}\n{\n  "apiVersion": "v1",\n  "kind": "Service",\n  "metadata": {"name": "B"}\n}\n`,
  );
  assert.deepEqual([wrong?.code, wrong?.at.line], ["SERVICE_INVALID", 19]);
  for (const rest of ["{", "}", '{"', "x", '{"a": 1'])
    assert.equal(faultsOf(`${JSON.stringify(service("a"))}\n${rest}`)[0]?.code, "MANIFEST_YAML", rest);
});

test("T-50 a text full of quotes without an end is judged in time that grows with it", () => {
  const began = performance.now();
  faultsOf(`{"a": ${'\\"'.repeat(200_000)}`, "a.json");
  assert.ok(performance.now() - began < 5_000);
});

test("T-50 line ends that were translated twice, and those of old Macs, end lines", () => {
  for (const end of ["\r\n", "\r\r\n", "\r\r\r\n", "\r"]) {
    const [fence] = parseManifests(FENCE.replaceAll("\n", end), "a.yaml").objects;
    assert.equal(fence?.kind, "ServiceFence", JSON.stringify(end));
    assert.equal(faultsOf(`${FENCE}spec: {mode: x}\n`.replaceAll("\n", end))[0]?.at.line, 4);
  }
});

test("T-50 a kind that only looks like ours is told, and not passed over in silence", () => {
  for (const kind of [
    "ServiceFence\\r",
    "ServiceFence\\u00a0",
    "Service\\u200bFence",
    "Service\\nFence",
    "ServiceFences",
    "serviceFence",
    " ServiceFence",
  ]) {
    const [fault] = faultsOf(FENCE.replace("ServiceFence", `"${kind}"`));
    assert.match(fault?.message ?? "", /kind: not a kind: use ServiceFence/, kind);
  }
  assert.deepEqual(
    parseManifests(
      FENCE.replace("ServiceFence", "ServiceFenceList2").replace("microservice.slime.io", "example.com"),
      "a.yaml",
    ).ignored.map(({ reason }) => reason),
    ["another kind"],
  );
});

test("T-50 an alias that leads nowhere and a merge of no map are told apart, with their line", () => {
  for (const spec of ["spec: {<<: *nope}", "spec: {<<: [*nope]}", "spec: *nope", "spec: {host: {a: *nope}}"]) {
    const [fault, ...more] = faultsOf(`${FENCE}${spec}\n`);
    assert.match(fault?.message ?? "", /a\.yaml:4: nothing before this alias has the anchor &nope/, spec);
    assert.equal(more.length, 0);
  }
  for (const spec of ["spec: {<<: 5}", "spec: {<<: null}", "spec: {host: &h x, <<: *h}", "spec: {<<: [{}, 5]}"]) {
    const [fault] = faultsOf(`${FENCE}${spec}\n`);
    assert.match(fault?.message ?? "", /a\.yaml:4: << takes a map, an alias of one, or a list of these/, spec);
  }
});

test("T-50 no name, key or file breaks the line of a fault, or moves a terminal", () => {
  const hostile = "x\\nERROR: forged\\u001b[31m\\u202e\\r\\u2028";
  const spec = "spec: {ports: [{port: 80}]}";
  const texts = [
    `apiVersion: v1\nkind: Service\nmetadata: {name: "${hostile}"}\n${spec}\n`,
    `apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: "${hostile}"}\n${spec}\n`,
    `apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {"${hostile}": 5}}\n${spec}\n`,
    `apiVersion: "${hostile}"\nkind: ServiceFence\nmetadata: {name: a}\n`,
    `${FENCE}spec: {host: {"${hostile}": {}}}\n`,
    `${FENCE}spec: {"${hostile}": 1}\n`,
    `${FENCE}spec: {mode: "${hostile}"}\n`,
  ];
  for (const text of texts)
    for (const { message } of faultsOf(text, "a\nERROR: forged.yaml")) assert.doesNotMatch(message, /[\p{Cc}\u2028-\u202e]/u, text);
});
