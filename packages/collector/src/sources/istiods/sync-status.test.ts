import assert from "node:assert/strict";
import { test } from "node:test";
import { ReverseWriter } from "@fenceline/wire";
import fc from "fast-check";
import { type ProxySync, readSyncStatus, syncQuestion } from "./sync-status.ts";

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

interface Config {
  readonly type: string;
  readonly words?: string;
}

/** A message as istiod's `statusgen.go` makes it. */
function answer(nonce: string, proxies: readonly { readonly id: string; readonly configs: readonly Config[] }[]): Buffer {
  const writer = new ReverseWriter();
  writer.string(5, nonce);
  writer.string(4, "istio.io/debug/syncz");
  for (const { id, configs } of proxies.toReversed()) {
    const any = writer.size;
    for (const { type, words } of configs.toReversed()) {
      const config = writer.size;
      if (words !== undefined) {
        const error = writer.size;
        writer.string(3, words);
        writer.message(8, error);
      }
      writer.uint32(6, words === undefined ? 1 : 4);
      writer.string(1, type);
      writer.message(3, config);
    }
    const node = writer.size;
    writer.string(1, id);
    writer.message(1, node);
    writer.message(2, any);
    writer.string(1, "type.googleapis.com/envoy.service.status.v3.ClientConfig");
    writer.message(2, any);
  }
  return writer.take();
}

test("issue 16: of each proxy the name of its pod and what it refuses are read, in Envoy's words", () => {
  const words = "Error adding/updating cluster(s) outbound|80||b: cluster type EDS may not be used with LB type CLUSTER_PROVIDED";
  const bytes = answer("n1", [
    { id: "a-5f.b.test1", configs: [{ type: CLUSTER, words }, { type: "other" }] },
    { id: "b.test2", configs: [{ type: CLUSTER }] },
  ]);
  assert.deepEqual(readSyncStatus(bytes), {
    nonce: "n1",
    proxies: [
      { name: "a-5f.b", namespace: "test1", rejections: [{ type: "CDS", words }] },
      { name: "b", namespace: "test2", rejections: [] },
    ],
  });
});

test("issue 16: of long words the beginning is kept, and a node that names no pod is nobody's", () => {
  const bytes = answer("", [
    { id: "a.b", configs: [{ type: CLUSTER, words: "é".repeat(10_000) }] },
    { id: "ztunnel", configs: [] },
  ]);
  const { proxies = [] } = readSyncStatus(bytes) ?? {};
  assert.equal(proxies.length, 1);
  assert.equal(proxies[0]?.rejections[0]?.words, "é".repeat(512));
});

test("issue 16: what is no such message is not believed in part", () => {
  const whole = answer("n", [{ id: "a.b", configs: [{ type: CLUSTER, words: "x" }] }]);
  assert.equal(readSyncStatus(whole.subarray(0, -1)), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length - 1), fc.nat(255), (random, at, byte) => {
      readSyncStatus(Buffer.from(random));
      const changed = Buffer.from(whole);
      changed[at] = byte;
      const proxies: readonly ProxySync[] = readSyncStatus(changed)?.proxies ?? [];
      assert.ok(proxies.length <= 1);
    }),
  );
});

test("issue 16: only the first question of a stream says who asks", () => {
  const own = { name: "collector-1", namespace: "fenceline" };
  const [first, next] = [syncQuestion(own).toString("latin1"), syncQuestion(own, "n1").toString("latin1")];
  assert.match(first, /sidecar~0\.0\.0\.0~collector-1\.fenceline~fenceline\.svc/);
  assert.doesNotMatch(next, /collector-1/);
  for (const question of [first, next]) assert.match(question, /istio\.io\/debug\/syncz/);
  assert.match(next, /n1/);
});
