import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeBook } from "./edge-book.ts";

const A = { namespace: "test1", name: "a" };
const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 };

function learned(book: EdgeBook, name: string, hosts: readonly string[]): void {
  const edges = book.open({ ...A, name }, POLICY, 0);
  hosts.forEach((host, index) => void edges.observe(host, 80, 1, index));
}

test("T-20 the page of a fence that comes back within the grace period is the one that it had; later it is another", () => {
  const book = new EdgeBook({ keepFor: 100 });
  for (const [backAt, size] of [
    [99, 2],
    [100, 0],
  ] as const) {
    learned(book, "a", ["b", "c"]);
    assert.equal(book.close(A, 0), true);
    assert.equal(book.of(A), undefined);
    assert.equal(book.open(A, POLICY, backAt).size, size);
    book.close(A, 0);
    book.forgetClosed(1_000);
  }
});

test("T-20 pages of deleted fences are bounded in number and in hosts, and the one closed first goes; an empty one is not kept", () => {
  const sizes = (book: EdgeBook) => ["a", "b", "c"].map((name) => book.open({ ...A, name }, POLICY, 1).size);
  const few = new EdgeBook({ keepFor: 100, most: 2 });
  for (const name of ["b", "a", "c"]) learned(few, name, ["x"]);
  for (const name of ["b", "a", "c"]) few.close({ ...A, name }, 0);
  assert.deepEqual(sizes(few), [1, 0, 1]);
  const small = new EdgeBook({ keepFor: 100, mostHosts: 3 });
  for (const name of ["a", "b", "c"]) learned(small, name, ["x", "y"]);
  for (const name of ["a", "b", "c"]) small.close({ ...A, name }, 0);
  assert.deepEqual(sizes(small), [0, 0, 2]);
  const empty = new EdgeBook({ keepFor: 100 });
  empty.open(A, POLICY, 0);
  assert.equal(empty.close(A, 0), false);
});

test("T-20 without a grace period a deleted fence is forgotten", () => {
  const book = new EdgeBook();
  learned(book, "a", ["b"]);
  assert.equal(book.close(A, 0), false);
  assert.equal(book.open(A, POLICY, 0).size, 0);
});
