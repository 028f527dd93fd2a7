import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeBook } from "./edge-book.ts";

const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 0.1 };
const A = { namespace: "test1", name: "a" };

test("a known edge is refreshed: times, ports and the number of requests", () => {
  const edges = new EdgeBook().open(A, POLICY);
  assert.equal(edges.observe("b.test1.svc.cluster.local", 9080, 1, 1_000), true);
  assert.equal(edges.observe("b.test1.svc.cluster.local", 80, 4, 2_000), false);
  assert.equal(edges.observe("b.test1.svc.cluster.local", 80, 1, 1_500), false);
  assert.deepEqual(edges.hosts(), [
    { host: "b.test1.svc.cluster.local", source: "learned", firstSeen: 1_000, lastSeen: 2_000, requests: 6, ports: [80, 9080] },
  ]);
});

test("edges are counted over all fences, and fences are listed, without a copy of what they learned", () => {
  const book = new EdgeBook();
  book.open({ namespace: "z", name: "a" }, POLICY).observe("b", 80, 1, 0);
  book.open({ namespace: "a", name: "z" }, POLICY).observe("c", 80, 1, 0);
  book.open({ namespace: "a", name: "z" }, POLICY).observe("d", 80, 1, 0);
  assert.equal(book.size, 3);
  assert.deepEqual(
    book
      .fences()
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .toSorted(),
    ["a/z", "z/a"],
  );
});

test("opening a fence again keeps what it learned; closing it forgets", () => {
  const book = new EdgeBook();
  book.open(A, POLICY).observe("b", 80, 1, 0);
  assert.equal(book.open(A, { ...POLICY, idleWindow: 5 }).size, 1);
  book.close(A);
  assert.equal(book.of(A), undefined);
  assert.equal(book.open(A, POLICY).size, 0);
});

test("namespaces and names cannot be confused, whatever characters they hold", () => {
  const book = new EdgeBook();
  book.open({ namespace: "a/b", name: "c" }, POLICY).observe("x", 80, 1, 0);
  assert.equal(book.of({ namespace: "a", name: "b/c" }), undefined);
});
