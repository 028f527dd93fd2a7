import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSpiffeId, peerOfForwardedClientCert } from "./peer-identity.ts";

const A = { namespace: "test1", serviceAccount: "a" };

test("the identity of a SPIFFE id is its namespace and service account", () => {
  assert.deepEqual(parseSpiffeId("spiffe://cluster.local/ns/test1/sa/a"), A);
  for (const uri of ["", "spiffe://cluster.local/ns/test1", "https://x/ns/test1/sa/a", "spiffe://t/ns/a/b/sa/c", "spiffe://t/ns//sa/c"]) {
    assert.equal(parseSpiffeId(uri), undefined, uri);
  }
});

test("an Envoy's header names the peer", () => {
  const header = `By=spiffe://cluster.local/ns/fenceline/sa/collector;Hash=ab12;Subject="";URI=spiffe://cluster.local/ns/test1/sa/a`;
  assert.deepEqual(peerOfForwardedClientCert(header), A);
});

test("only the last element counts: what stands before came from the peer itself", () => {
  const forged = "URI=spiffe://cluster.local/ns/victim/sa/v";
  assert.deepEqual(peerOfForwardedClientCert(`${forged},Hash=1;URI=spiffe://cluster.local/ns/test1/sa/a`), A);
  assert.equal(peerOfForwardedClientCert(`${forged},Hash=1;Subject="CN=x"`), undefined);
});

test("separators within quotes separate nothing", () => {
  const header = `Subject="CN=x,URI=spiffe://t/ns/victim/sa/v;O=\\"y\\"";URI=spiffe://t/ns/test1/sa/a`;
  assert.deepEqual(peerOfForwardedClientCert(header), A);
});

test("a quoted URI, several URIs, and a space between elements are read as Envoy and Node write them", () => {
  assert.deepEqual(peerOfForwardedClientCert(`Hash=a;URI="spiffe://cluster.local/ns/test1/sa/a"`), A);
  assert.deepEqual(peerOfForwardedClientCert("URI=https://example.com/x;URI=spiffe://t/ns/test1/sa/a;URI=spiffe://t/ns/other/sa/b"), A);
  assert.deepEqual(peerOfForwardedClientCert("URI=spiffe://t/ns/victim/sa/v, URI=spiffe://t/ns/test1/sa/a"), A);
});

test("what is no such header names nobody", () => {
  for (const header of ["", "nonsense", ";;;", `URI="spiffe://t/ns/a/sa/b`, "=,=,="])
    assert.equal(peerOfForwardedClientCert(header), undefined, header);
});
