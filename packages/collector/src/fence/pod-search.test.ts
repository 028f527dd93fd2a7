/** T-19: when it is asked again whether a fence has pods. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PodsFound } from "@fenceline/store";
import { PodSearch } from "./pod-search.ts";

const LABELS = { app: "a" };
const fence = (name: string) => ({ namespace: "test1", name });

/** A search over a clock of its own. */
function startSearch(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const answers = new Map<string, PodsFound>();
  const asked: string[] = [];
  const told: string[] = [];
  const search = new PodSearch({
    clock: () => now,
    find: async (namespace) => {
      asked.push(namespace);
      return answers.get(namespace) ?? "none";
    },
    onAnswer: ({ namespace, name }) => void told.push(`${name} ${search.of({ namespace, name }, LABELS)}`),
  });
  t.after(() => search.close());
  /** Lets so many milliseconds pass. */
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      now += 100;
      t.mock.timers.tick(100);
      await nextTurn();
    }
  };
  return { search, answers, asked, told, pass };
}

test("T-19 a list of pods that failed is asked for again after five seconds, and not believed for minutes", async (t) => {
  const { search, answers, told, pass } = startSearch(t);
  answers.set("test1", "some");
  search.of(fence("a"), LABELS);
  await pass(1_000);
  answers.set("test1", "failed");
  await pass(30_000);
  answers.set("test1", "none");
  await pass(5_100);
  assert.deepEqual(told, ["a some", "a unknown", "a none"]);
});

test("T-19 a right to list pods that is given is noticed within a minute, for all fences that lacked it", async (t) => {
  const { search, answers, asked, told, pass } = startSearch(t);
  answers.set("test1", "forbidden");
  search.of(fence("a"), LABELS);
  await pass(10_000);
  search.of(fence("b"), LABELS);
  await pass(49_900);
  assert.deepEqual([asked.length, told], [2, ["a unknown", "b unknown"]]);
  answers.set("test1", "some");
  await pass(400);
  assert.deepEqual([asked.length, told.slice(2)], [4, ["a some", "b some"]]);
});

test("T-19 without the right, many fences ask once a second together", async (t) => {
  const { search, answers, asked, pass } = startSearch(t);
  answers.set("test1", "forbidden");
  for (let index = 0; index < 100; index += 1) search.of(fence(`f${index}`), LABELS);
  await pass(10_500);
  assert.equal(asked.length, 100);
  await pass(89_000);
  assert.equal(asked.length, 100);
  await pass(15_000);
  assert.ok(asked.length > 150);
  await pass(100_000);
  assert.ok(asked.length <= 300, `${asked.length}`);
});
