import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EdgeBuffer, type EdgeReport } from "./edge-buffer.ts";

const report = (authority: string, namespace = "test1"): EdgeReport => ({ source: { namespace, name: "a" }, authority, responseCode: 200 });

test("whatever is added, taken and put back: never more than the capacity, and no request is lost uncounted", () => {
  const step = fc.oneof(
    fc.record({
      does: fc.constant("add"),
      what: fc.constantFrom("a", "b", "c", "d", "e"),
      requests: fc.integer({ min: 1, max: 9 }),
      namespace: fc.nat(3),
    }),
    fc.record({ does: fc.constant("take"), what: fc.constantFrom("1", "2", "9"), requests: fc.constant(0), namespace: fc.constant(0) }),
    fc.record({ does: fc.constant("putBack"), what: fc.constant(""), requests: fc.constant(0), namespace: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new EdgeBuffer(3);
      let [added, dropped] = [0, 0];
      let taken: ReturnType<EdgeBuffer["take"]> = [];
      // The same object again, as the proxy gives it.
      const reports = new Map<string, EdgeReport>();
      for (const { does, what, requests, namespace } of steps) {
        if (does === "add") {
          added += requests;
          const id = `${what}/${namespace}`;
          reports.set(id, reports.get(id) ?? report(what, `n${namespace}`));
          dropped += buffer.add(reports.get(id) ?? report(what), requests);
        } else if (does === "take") {
          taken.push(...buffer.take(Number(what)));
        } else {
          dropped += buffer.putBack(taken);
          taken = [];
        }
        assert.ok(buffer.size <= 3);
      }
      const held = [...taken, ...buffer.take(9)].reduce((sum, { requests }) => sum + requests, 0);
      assert.equal(held + dropped, added);
    }),
  );
});

test("the oldest edges are taken first", () => {
  const buffer = new EdgeBuffer(10);
  for (const authority of ["a", "b", "a", "c"]) buffer.add(report(authority));
  assert.deepEqual(
    buffer.take(2).map(({ fields, requests }) => [fields.authority, requests]),
    [
      ["a", 2],
      ["b", 1],
    ],
  );
  assert.equal(buffer.size, 1);
});

test("T-52 reports with other request ids are summed up all the same, under that of the first; one that is too long is left out", () => {
  const buffer = new EdgeBuffer(10);
  for (const requestId of ["id-1", "id-2", undefined]) buffer.add({ ...report("a"), requestId });
  buffer.add({ ...report("b"), requestId: "x".repeat(600) });
  assert.deepEqual(
    buffer.take(2).map(({ fields, requests }) => [fields.authority, fields.requestId, requests]),
    [
      ["a", "id-1", 3],
      ["b", "", 1],
    ],
  );
});

test("T-11 one entry stands for no more requests than the decoder reads, however many are added at once", () => {
  const buffer = new EdgeBuffer(10);
  buffer.add(report("a"), 5e9);
  buffer.add(report("a"), 2 ** 60);
  buffer.putBack(buffer.take(1));
  assert.deepEqual(
    buffer.take(2).map(({ requests }) => requests),
    [999_999_999],
  );
});

test("T-08 a namespace that fills the buffer with spellings of one host makes room for the edges of others", () => {
  const buffer = new EdgeBuffer(100);
  for (let at = 0; at < 1_000; at += 1) buffer.add(report(`b.test1:${at}`, "evil"));
  for (const namespace of ["shop", "cart"]) for (let at = 0; at < 10; at += 1) assert.equal(buffer.add(report(`s${at}`, namespace)), 1);
  for (let at = 0; at < 1_000; at += 1) assert.equal(buffer.add(report(`c.test1:${at}`, "evil")), 1);
  const held = Map.groupBy(buffer.take(100), ({ fields }) => fields.fenceSource);
  assert.deepEqual(
    ["shop/a", "cart/a", "evil/a"].map((source) => held.get(source)?.length),
    [10, 10, 80],
  );
});

test("T-08 namespaces that want more than there is have as much as each other, and none is put out for one that would have more", () => {
  const buffer = new EdgeBuffer(9);
  for (let at = 0; at < 50; at += 1) for (const namespace of ["a", "b", "c"]) buffer.add(report(`s${at}`, namespace));
  const held = Map.groupBy(buffer.take(9), ({ fields }) => fields.fenceSource);
  assert.deepEqual(
    [...held.values()].map(({ length }) => length),
    [3, 3, 3],
  );
});
