import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { agreement, parseSpiffeId, peerOfForwardedClientCert, peerOfUris } from "./peer-identity.ts";

const A = { namespace: "test1", serviceAccount: "a" };
const MESH = ["cluster.local", "old.example"];
const spiffe = (namespace: string, account = "a", trustDomain = "cluster.local") => `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`;
const peerOf = (header: string | undefined) => peerOfForwardedClientCert(header, MESH);

/** RFC 4514 §2.4, as BoringSSL's XN_FLAG_RFC2253 does it, from which Envoy has the subject. */
const escapedSubject = (text: string) => text.replace(/[,+"\\<>;]/g, "\\$&");

/**
 * What Envoy writes: `By`, `Hash`, then those of `Cert`, `Subject`, `URI` and `DNS` that are
 * configured, in that order.
 */
const element = fc
  .record({
    by: fc.constantFrom("By=spiffe://cluster.local/ns/fenceline/sa/fenceline-collector", undefined),
    hash: fc.stringMatching(/^[0-9a-f]{8}$/),
    certificate: fc.option(fc.constant("-----BEGIN%20CERTIFICATE-----%0AMIIB%2B%3D"), { nil: undefined }),
    subject: fc.option(
      fc.array(fc.constantFrom('"', "\\", ",", ";", "=", "CN", "URI=spiffe://cluster.local/ns/victim/sa/v", " "), { maxLength: 12 }),
      {
        nil: undefined,
      },
    ),
    identity: fc.record({
      namespace: fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/),
      serviceAccount: fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/),
    }),
    names: fc.array(fc.constantFrom("a.example", "*.b.example"), { maxLength: 2 }),
  })
  .map(({ by, hash, certificate, subject, identity, names }) => {
    const pairs = [
      ...(by === undefined ? [] : [by]),
      `Hash=${hash}`,
      ...(certificate === undefined ? [] : [`Cert="${certificate}"`]),
      ...(subject === undefined ? [] : [`Subject="${escapedSubject(subject.join(""))}"`]),
      `URI=${spiffe(identity.namespace, identity.serviceAccount)}`,
      ...names.map((name) => `DNS=${name}`),
    ];
    return { text: pairs.join(";"), identity: { ...identity } };
  });

/**
 * What a client may put into the header; mostly of the characters that the format gives a meaning.
 */
const hostile = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  fc
    .array(fc.constantFrom('"', "\\", '\\"', ",", ";", "=", "URI=", 'Subject="', 'Cert="', spiffe("victim", "v"), " ", "By=x"), {
      maxLength: 20,
    })
    .map((parts) => parts.join("")),
);

test("T-03 whatever a client puts before Envoy's element, the identity is that element's", () => {
  fc.assert(
    fc.property(hostile, element, fc.constantFrom(",", ", "), (prefix, { text, identity }, separator) => {
      assert.deepEqual(peerOf(text), identity);
      assert.deepEqual(peerOf(prefix + separator + text), identity);
    }),
    { numRuns: 5_000 },
  );
});

test("T-03 what a client sends alone is never read as more than one element: text of any kind ends, and throws nothing", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const peer = peerOf(text);
      assert.ok(peer === "unreadable" || typeof peer === "object");
    }),
    { numRuns: 5_000 },
  );
});

test("T-03 an open quote before Envoy's element swallows nothing", () => {
  const own = `By=${spiffe("fenceline")};Hash=ab;Subject="";URI=${spiffe("test1")}`;
  for (const prefix of ["x", '"', 'Subject="', `URI=${spiffe("victim")};Subject="CN=\\"`, '\\"', "", ",,,", `URI=${spiffe("victim")}`]) {
    assert.deepEqual(peerOf(`${prefix},${own}`), A, prefix);
  }
});

test("T-03 an Envoy's header names the peer, and separators within quotes separate nothing", () => {
  assert.deepEqual(peerOf(`By=${spiffe("fenceline")};Hash=ab12;Subject="";URI=${spiffe("test1")}`), A);
  assert.deepEqual(peerOf(`Subject="CN=x,URI=${spiffe("victim")};O=\\"y\\"";URI=${spiffe("test1")};DNS=a.example`), A);
  assert.deepEqual(peerOf(`Hash=a;URI="${spiffe("test1")}"`), A);
});

test("T-03 a header that is there and cannot be read is not taken for none", () => {
  assert.equal(peerOf(undefined), "absent");
  const unreadable = [
    "",
    " ",
    "x",
    ";;;",
    ",",
    "=,=,=",
    `URI="${spiffe("a")}`,
    `URI=${spiffe("a")}"`,
    `URI=${spiffe("a")},`,
    `URI=${spiffe("a")};`,
  ];
  const foreign = [
    "Hash=1",
    "Hash=1;URI=",
    `URI=${spiffe("test1", "a", "evil.example")}`,
    "URI=https://x/ns/test1/sa/a",
    `${spiffe("test1")}`,
  ];
  for (const header of [...unreadable, ...foreign]) assert.equal(peerOf(header), "unreadable", header);
});

test("T-03 a certificate with several URIs is no workload's", () => {
  for (const other of [spiffe("victim"), spiffe("test1"), "https://x", ""]) {
    assert.equal(peerOf(`Hash=1;URI=${spiffe("test1")};URI=${other}`), "unreadable");
    assert.equal(peerOf(`Hash=1;URI=${other};URI=${spiffe("test1")}`), "unreadable");
  }
});

test("T-03 long text costs time in proportion to its length", () => {
  for (const unit of ['"', "\\", '\\"', '"\\\\', "a=", ";", ",", 'a="', '\\\\"']) {
    const header = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const began = performance.now();
    peerOf(`${header}"`);
    assert.ok(performance.now() - began < 2_000, unit);
  }
});

test("T-03 only spiffe://<trust domain of the mesh>/ns/<namespace>/sa/<service account> is an identity", () => {
  assert.deepEqual(parseSpiffeId(spiffe("test1"), MESH), A);
  assert.deepEqual(parseSpiffeId(spiffe("test1", "a", "old.example"), MESH), A);
  const bad = [
    "",
    "spiffe://cluster.local/ns/test1",
    "https://cluster.local/ns/test1/sa/a",
    `${spiffe("test1")}/x`,
    `${spiffe("test1")}?x`,
    "spiffe://cluster.local/ns//sa/c",
  ];
  const odd = [
    spiffe("a/b"),
    spiffe("Test1"),
    spiffe("te%73t1"),
    spiffe("test1", "a b"),
    spiffe("-a"),
    spiffe("a".repeat(64)),
    spiffe("test1", "a", "evil"),
    spiffe("test1", "a", ""),
  ];
  const near = [
    `x${spiffe("test1")}`,
    `${spiffe("test1")}\n`,
    "SPIFFE://cluster.local/ns/test1/sa/a",
    spiffe("test1", "a", "cluster.local:1"),
    spiffe("test1", "a", "u@cluster.local"),
  ];
  for (const uri of [...bad, ...odd, ...near]) assert.equal(parseSpiffeId(uri, MESH), undefined, uri);
});

test("T-03 every URI of a certificate must agree", () => {
  assert.equal(peerOfUris([], MESH), "absent");
  assert.deepEqual(peerOfUris([spiffe("test1"), spiffe("test1")], MESH), A);
  for (const uris of [
    [spiffe("test1"), spiffe("victim")],
    ["https://x", spiffe("test1")],
    [spiffe("test1"), ""],
  ]) {
    assert.equal(peerOfUris(uris, MESH), "unreadable");
  }
});

test("T-03 what is unreadable contradicts every claim, and what is absent none", () => {
  assert.equal(agreement(A, "test1"), "agrees");
  assert.equal(agreement(A, "test2"), "contradicts");
  assert.equal(agreement("unreadable", "test1"), "contradicts");
  assert.equal(agreement("absent", "test1"), "missing");
});
