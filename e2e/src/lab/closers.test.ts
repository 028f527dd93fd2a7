import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { allOf, Closers } from "./closers.ts";

test("what was made last is undone first, also what is made while closing", async () => {
  const closers = new Closers();
  const undone: string[] = [];
  closers.add(() => undone.push("bridge"));
  closers.add(async () => {
    closers.add(() => undone.push("late process"));
    undone.push("process");
  });
  await closers.close();
  assert.deepEqual(undone, ["process", "late process", "bridge"]);
  assert.throws(() => closers.requireOpen(), /the lab is ending/);
});

test("a closer that fails keeps no other from running, and is told of", async () => {
  const closers = new Closers();
  const undone: string[] = [];
  closers.add(() => undone.push("bridge"));
  closers.add(() => Promise.reject(new Error("namespace is busy")));
  await assert.rejects(closers.close(), /namespace is busy/);
  assert.deepEqual(undone, ["bridge"]);
});

test("a failure is thrown only when everything that was started with it has settled", async () => {
  let settled = false;
  const slow = async () => {
    await turn();
    settled = true;
  };
  await assert.rejects(allOf(Promise.reject(new Error("first")), slow()), /first/);
  assert.ok(settled);
});
