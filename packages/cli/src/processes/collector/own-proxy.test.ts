import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { undoAfter } from "../../testing/undo.ts";
import { ownProxyVersion } from "./own-proxy.ts";

async function serverInfo(t: TestContext, body: string, address = "127.0.0.1"): Promise<string> {
  const server = createServer((_, response) => response.end(body)).listen(0, address);
  await once(server, "listening");
  undoAfter(t)(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://${address.includes(":") ? `[${address}]` : address}:${(server.address() as AddressInfo).port}/server_info`;
}

test("the version is the one in the node's metadata", async (t) => {
  const url = await serverInfo(t, JSON.stringify({ version: "1.40.0", node: { id: "sidecar~1", metadata: { ISTIO_VERSION: "1.29.0" } } }));
  assert.equal(await ownProxyVersion([url]), "1.29.0");
});

test("an Envoy without Istio, an answer that is none, and nobody there: no version", async (t) => {
  for (const body of ['{"node":{}}', '{"node":{"metadata":{"ISTIO_VERSION":""}}}', "<html>"]) {
    assert.equal(await ownProxyVersion([await serverInfo(t, body)]), undefined);
  }
  assert.equal(await ownProxyVersion(["http://127.0.0.1:1/"]), undefined);
});

test("issue 16: in a pod with IPv6 alone the proxy answers on ::1", async (t) => {
  const url = await serverInfo(t, JSON.stringify({ node: { metadata: { ISTIO_VERSION: "1.29.0" } } }), "::1");
  assert.equal(await ownProxyVersion(["http://127.0.0.1:1/", url]), "1.29.0");
});
