import assert from "node:assert/strict";
import { test } from "node:test";
import { FencelineError } from "@fenceline/api";
import { WorkQueue } from "./work-queue.ts";

const noError = (key: string, error: unknown) => assert.fail(`${key}: ${String(error)}`);

test("many requests for one key while it runs become one more run", async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const queue = new WorkQueue<string>({
    work: async () => {
      runs += 1;
      if (runs === 1) await gate.promise;
    },
    onError: noError,
  });
  for (let n = 0; n < 10; n += 1) queue.add("a", "a");
  gate.resolve();
  await queue.idle();
  assert.equal(runs, 2);
});

test("one key is never worked on twice at once, and no more keys than allowed", async () => {
  const running = new Set<string>();
  let most = 0;
  const queue = new WorkQueue<string>({
    work: async (key) => {
      assert.ok(!running.has(key));
      running.add(key);
      most = Math.max(most, running.size);
      await new Promise(setImmediate);
      running.delete(key);
    },
    onError: noError,
    concurrency: () => 3,
  });
  for (let round = 0; round < 5; round += 1) for (let n = 0; n < 10; n += 1) queue.add(`k${n}`, `k${n}`);
  await queue.idle();
  assert.equal(most, 3);
});

test("a failing key is retried ever later and holds up no other", async () => {
  const pauses: number[] = [];
  const done = Promise.withResolvers<void>();
  const others: string[] = [];
  const queue = new WorkQueue<string>({
    work: async (key) => {
      if (key === "good") others.push(key);
      else if (pauses.length < 4) throw new Error("not yet");
      else done.resolve();
    },
    onError: (_key, _error, retryAfter) => pauses.push(retryAfter),
    backoff: { first: 2, longest: 8 },
    concurrency: () => 1,
  });
  queue.add("bad", "bad");
  queue.add("good", "good");
  await done.promise;
  assert.deepEqual(others, ["good"]);
  for (const [index, [least, most]] of [
    [1, 2],
    [2, 4],
    [4, 8],
    [4, 8],
  ].entries()) {
    const pause = pauses[index] ?? 0;
    assert.ok(pause >= (least ?? 0) && pause <= (most ?? 0), `pause ${index}: ${pause}`);
  }
  await queue.close();
});

test("a new request for a key that waits for its retry starts it at once", async () => {
  let runs = 0;
  const queue = new WorkQueue<string>({
    work: async () => {
      runs += 1;
      if (runs === 1) throw new Error("once");
    },
    onError: () => {},
    backoff: { first: 1_000_000, longest: 1_000_000, forward: 0 },
  });
  queue.add("a", "a");
  await queue.idle();
  queue.add("a", "a");
  await queue.idle();
  assert.equal(runs, 2);
});

test("T-15 an error that asks for a pause has it, up to the longest, whatever is asked for meanwhile", async () => {
  const pauses: number[] = [];
  const failed = Promise.withResolvers<void>();
  const queue = new WorkQueue<string>({
    work: async (key) => {
      throw new FencelineError("BUSY", { message: "later", retryAfter: key === "long" ? 1_000_000 : 7_000 });
    },
    onError: (_key, _error, retryAfter) => {
      if (pauses.push(retryAfter) === 2) failed.resolve();
    },
    backoff: { first: 1, longest: 20_000 },
  });
  queue.add("short", "short");
  queue.add("long", "long");
  await failed.promise;
  queue.add("short", "short");
  queue.add("long", "long");
  await queue.idle();
  assert.deepEqual(pauses, [7_000, 20_000]);
  await queue.close();
});

test("requests at a high rate do not make a failing key spin, neither while it runs nor while it waits", async () => {
  let runs = 0;
  const queue = new WorkQueue<string>({
    work: async () => {
      runs += 1;
      queue.add("a", "a");
      throw new Error("always");
    },
    onError: () => {},
    backoff: { first: 1_000_000, longest: 1_000_000, forward: 1_000_000 },
  });
  for (let n = 0; n < 10; n += 1) {
    queue.add("a", "a");
    await queue.idle();
  }
  assert.equal(runs, 1);
  await queue.close();
});

test("closing waits for what runs, and drops retries", async () => {
  let finished = false;
  const queue = new WorkQueue<string>({
    work: async () => {
      await new Promise(setImmediate);
      finished = true;
    },
    onError: noError,
  });
  queue.add("a", "a");
  await queue.close();
  assert.ok(finished);
  queue.add("b", "b");
  await queue.idle();
});

test("work may ask to be called again after a pause, which is no failure", async () => {
  const done = Promise.withResolvers<void>();
  let runs = 0;
  const queue = new WorkQueue<string>({
    work: async () => {
      runs += 1;
      if (runs < 3) return 1;
      done.resolve();
      return undefined;
    },
    onError: noError,
  });
  queue.add("a", "a");
  await done.promise;
  await queue.close();
  assert.equal(runs, 3);
});

test("T-14 work that asks for a pause of years, as a tenant may have it, is not done again at once", async () => {
  let runs = 0;
  const queue = new WorkQueue<string>({
    work: async () => {
      runs += 1;
      return 10 * 365 * 24 * 3_600_000;
    },
    onError: noError,
  });
  queue.add("a", "a");
  await new Promise((resolve) => void setTimeout(resolve, 50));
  await queue.close();
  assert.equal(runs, 1);
});

/** Keeps the processor busy. */
function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test("T-08 runs that wait for nothing let the event loop turn, however many there are", async () => {
  let runs = 0;
  const queue = new WorkQueue<number>({
    work: async () => {
      spin(2);
      runs += 1;
      return undefined;
    },
    onError: (key, error) => noError(String(key), error),
  });
  for (let n = 0; n < 200; n += 1) queue.add(`k${n}`, n);
  let most = 0;
  for (let before = runs; runs < 200; before = runs) {
    await new Promise(setImmediate);
    most = Math.max(most, runs - before);
  }
  await queue.idle();
  assert.ok(most < 50, `${most} runs in one turn`);
});

test("T-08 urgent work goes before a thousand other keys, and does not keep these waiting for ever", async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const queue = new WorkQueue<string>({
    work: async (key) => {
      order.push(key);
      if (key === "first") await gate.promise;
      return undefined;
    },
    onError: noError,
    concurrency: () => 1,
  });
  queue.add("first", "first");
  for (let n = 0; n < 1_000; n += 1) queue.add(`k${n}`, `k${n}`);
  queue.add("k900", "k900", true);
  for (let n = 0; n < 100; n += 1) queue.add(`u${n}`, `u${n}`, true);
  gate.resolve();
  await queue.idle();
  assert.equal(order.length, 1 + 1_000 + 100);
  assert.ok(order.indexOf("k900") <= 3, `k900 came ${order.indexOf("k900")}th`);
  assert.ok(order.indexOf("u99") > order.indexOf("k10"), "the others wait until all urgent ones are done");
});

test("T-08 whoever has a thousand keys waiting keeps another's waiting for one of them, urgent ones and others", async () => {
  for (const urgent of [true, false]) {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue<string>({
      work: async (key) => {
        order.push(key);
        if (order.length === 1) await gate.promise;
        return undefined;
      },
      onError: noError,
      concurrency: () => 1,
      share: (key) => key.slice(0, key.indexOf("/")),
    });
    for (let n = 0; n < 1_000; n += 1) queue.add(`many/${n}`, `many/${n}`, urgent);
    for (const key of ["few/0", "few/1", "other/0"]) queue.add(key, key, urgent);
    gate.resolve();
    await queue.idle();
    assert.equal(order.length, 1_003);
    assert.deepEqual(order.slice(0, 8), ["many/0", "many/1", "few/0", "other/0", "many/2", "few/1", "many/3", "many/4"]);
  }
});

test("what is urgent and could not be done is as urgent when it comes again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new WorkQueue<string>({
    work: async (key) => {
      order.push(key);
      if (key === "urgent" && order.filter((done) => done === key).length === 1) return 1;
      if (key === "first") await promise;
      return undefined;
    },
    onError: () => {},
    concurrency: () => 1,
  });
  queue.add("urgent", "urgent", true);
  queue.add("first", "first");
  for (let index = 0; index < 10; index += 1) queue.add(`other${index}`, `other${index}`);
  while (!order.includes("first")) await new Promise(setImmediate);
  // Its pause is over while the first one is worked on.
  t.mock.timers.tick(1);
  resolve();
  await queue.idle();
  assert.ok(order.lastIndexOf("urgent") <= 3, order.join(" "));
});
