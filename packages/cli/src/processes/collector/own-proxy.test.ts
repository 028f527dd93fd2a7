import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { undoAfter } from "../../testing/undo.ts";
import { ownProxyVersion } from "./own-proxy.ts";

async function serverInfo(t: TestContext, body: string): Promise<string> {
  const server = createServer((_, response) => response.end(body)).listen(0, "127.0.0.1");
  await once(server, "listening");
  undoAfter(t)(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/server_info`;
}

test("the version is the one in the node's metadata", async (t) => {
  const url = await serverInfo(t, JSON.stringify({ version: "1.40.0", node: { id: "sidecar~1", metadata: { ISTIO_VERSION: "1.29.0" } } }));
  assert.equal(await ownProxyVersion(url), "1.29.0");
});

test("an Envoy without Istio, an answer that is none, and nobody there: no version", async (t) => {
  for (const body of ['{"node":{}}', '{"node":{"metadata":{"ISTIO_VERSION":""}}}', "<html>"]) {
    assert.equal(await ownProxyVersion(await serverInfo(t, body)), undefined);
  }
  assert.equal(await ownProxyVersion("http://127.0.0.1:1/"), undefined);
});
