import assert from "node:assert/strict";
import { test } from "node:test";
import { exportText } from "./yaml.ts";

test("T-52 nothing in a comment of an export ends its line, by the rules of YAML 1.1 either, or tells a terminal anything", () => {
  const metadata = { name: "a", namespace: "shop" };
  const object = { apiVersion: "v1", kind: "ServiceFence", metadata, spec: { host: { b: {} } } };
  const text = "x\ny: 1\u0085z: 1\u2028w: 1\r\u001b[2J # u";
  const lines = exportText([{ object, comments: [{ path: ["spec", "host", "b"], text }] }]).split("\n");
  assert.deepEqual(lines.slice(-3), ["    # x\\u000ay: 1\\u0085z: 1\\u2028w: 1\\u000d\\u001b[2J # u", "    b: {}", ""]);
});
