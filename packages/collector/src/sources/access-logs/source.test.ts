import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { CAPTURED_MESH, entryOf, meshOf, streamOf } from "../../testing/mesh.ts";
import { sourceOfFallbackEntry, sourceOfStream } from "./source.ts";

const mesh = meshOf();
const strict = meshOf(CAPTURED_MESH, Config.parse({ namespace: "mesh-operator", trustDomainAliases: ["old.example"] }));
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

test("T-03 without a certificate nothing is believed, unless plain text is accepted", () => {
  const dropped = { kind: "dropped", reason: "no_certificate" };
  const node = { namespace: "test1", labels: { app: "a" } };
  for (const claim of [{ logName: "fenceline/test1/a" }, { node }, { logName: "fenceline-fallback" }]) {
    assert.deepEqual(sourceOfStream(streamOf(claim), strict), dropped);
    assert.notEqual(sourceOfStream(streamOf(claim), mesh).kind, "dropped");
  }
});

test("T-03 a certificate that cannot be read is a mismatch, also where plain text is accepted", () => {
  const uris = ["spiffe://evil.example/ns/test1/sa/a", "spiffe://cluster.local/ns/test1", "https://test1/a", ""];
  const headers = ["", "x", "Hash=1", ...uris.map((uri) => `Hash=1;URI=${uri}`), `${certificateOf("test1")};URI=https://x`];
  for (const forwardedClientCert of headers) {
    for (const logName of ["fenceline/test1/a", "fenceline-fallback", ""]) {
      const stream = streamOf({ logName, forwardedClientCert });
      for (const each of [strict, mesh]) {
        assert.deepEqual(sourceOfStream(stream, each), { kind: "dropped", reason: "identity_mismatch" }, forwardedClientCert);
      }
    }
  }
});

test("T-03 what a client puts before the certificate's element changes nothing", () => {
  const forwardedClientCert = `x"${certificateOf("test1")},Subject="\\",${certificateOf("evil")}`;
  const mismatch = { kind: "dropped", reason: "identity_mismatch" };
  assert.deepEqual(sourceOfStream(streamOf({ logName: "fenceline/test1/a", forwardedClientCert }), strict), mismatch);
  assert.deepEqual(
    sourceOfStream(streamOf({ logName: "fenceline/test1/a", forwardedClientCert: `x",${certificateOf("test1")}` }), strict),
    { kind: "fence", fence: A },
  );
});

test("T-03 an alias of the trust domain is believed", () => {
  const forwardedClientCert = "Hash=1;URI=spiffe://old.example/ns/test1/sa/a";
  assert.deepEqual(sourceOfStream(streamOf({ forwardedClientCert }), strict), { kind: "fence", fence: A });
});

test("T-03 every URI in an entry of the fallback must agree with its source, not just the first one that can be read", () => {
  const own = "spiffe://cluster.local/ns/test1/sa/default";
  const evil = "spiffe://cluster.local/ns/evil/sa/a";
  for (const peerUris of [[own, evil], [evil, own], ["https://x", own], ["spiffe://evil.example/ns/test1/sa/default"]]) {
    assert.equal(sourceOfFallbackEntry(entryOf({ fenceSource: "test1/a", peerUris }), strict), "identity_mismatch");
  }
  assert.deepEqual(sourceOfFallbackEntry(entryOf({ fenceSource: "test1/a", peerUris: [own] }), strict), A);
});
