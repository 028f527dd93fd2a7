import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf, meshOf, streamOf } from "../testing/mesh.ts";
import { sourceOfFallbackEntry, sourceOfStream } from "./source.ts";

const mesh = meshOf();
const A = { namespace: "test1", name: "a" };
const certificateOf = (namespace: string, account = "a") => `Hash=1;URI=spiffe://cluster.local/ns/${namespace}/sa/${account}`;

test("the log name of a fence's access logger names the source", () => {
  assert.deepEqual(sourceOfStream(streamOf({ logName: "fenceline/test1/a" }), mesh), { kind: "fence", fence: A });
});

test("without such a log name the node's namespace and labels are matched with the fences' selectors", () => {
  const node = { namespace: "test1", labels: { app: "a", version: "v1" } };
  assert.deepEqual(sourceOfStream(streamOf({ logName: "http_envoy_accesslog", node }), mesh), { kind: "fence", fence: A });
});

test("labels match in their own namespace only", () => {
  const source = sourceOfStream(streamOf({ node: { namespace: "test2", labels: { app: "a" } } }), mesh);
  assert.deepEqual(source, { kind: "dropped", reason: "unknown_source" });
});

test("a peer that says nothing of itself is known by its certificate", () => {
  assert.deepEqual(sourceOfStream(streamOf({ forwardedClientCert: certificateOf("test1") }), mesh), { kind: "fence", fence: A });
});

test("a fence that does not exist is no source", () => {
  assert.deepEqual(sourceOfStream(streamOf({ logName: "fenceline/test1/ghost" }), mesh), { kind: "dropped", reason: "unknown_source" });
});

test("a log name or node that claims another namespace than the certificate's is dropped", () => {
  const mismatch = { kind: "dropped", reason: "identity_mismatch" };
  const forwardedClientCert = certificateOf("evil");
  assert.deepEqual(sourceOfStream(streamOf({ logName: "fenceline/test1/a", forwardedClientCert }), mesh), mismatch);
  assert.deepEqual(sourceOfStream(streamOf({ node: { namespace: "test1", labels: { app: "a" } }, forwardedClientCert }), mesh), mismatch);
});

test("only a peer of Fenceline's namespace may report as the fallback, where there are certificates", () => {
  const stream = (namespace: string) => streamOf({ logName: "fenceline-fallback", forwardedClientCert: certificateOf(namespace) });
  assert.deepEqual(sourceOfStream(stream("mesh-operator"), mesh), { kind: "fallback" });
  assert.deepEqual(sourceOfStream(stream("test1"), mesh), { kind: "dropped", reason: "identity_mismatch" });
  assert.deepEqual(sourceOfStream(streamOf({ logName: "fenceline-fallback" }), mesh), { kind: "fallback" });
});

test("an entry of the fallback names its source, and a certificate in it must agree", () => {
  const entry = (fenceSource: string, ...peerUris: string[]) => sourceOfFallbackEntry(entryOf({ fenceSource, peerUris }), mesh);
  assert.deepEqual(entry("test1/a"), A);
  assert.deepEqual(entry("test1/a", "spiffe://cluster.local/ns/test1/sa/default"), A);
  assert.equal(entry("test1/a", "spiffe://cluster.local/ns/evil/sa/a"), "identity_mismatch");
  for (const claim of ["", "test1", "test1/ghost", "test1/a/b", "Test1/a"]) assert.equal(entry(claim), "unknown_source", claim);
});
