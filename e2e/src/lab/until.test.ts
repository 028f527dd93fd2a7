import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./until.ts";

test("a look that throws counts as not yet, and what it found at last is returned", async () => {
  let looks = 0;
  const found = await until("the third look", () => {
    looks += 1;
    if (looks < 3) throw new Error("not there");
    return "there";
  });
  assert.deepEqual([found, looks], ["there", 3]);
});

test("giving up names what was waited for and the reason of the last look", async () => {
  const look = () => Promise.reject(new Error("connection refused"));
  await assert.rejects(until("the API server", look, { timeout: 30, interval: 1 }), {
    code: "LAB_TIMEOUT",
    message: "LAB_TIMEOUT: gave up waiting for the API server after 0.03 s: connection refused",
  });
});

test("waiting ends when the lab does, and when it is pointless", async () => {
  const ended = AbortSignal.abort(new Error("ended by SIGINT"));
  await assert.rejects(
    until("anything", () => false, { signal: ended }),
    /ended by SIGINT/,
  );
  const stillPossible = () => {
    throw new Error("istiod ended early");
  };
  await assert.rejects(
    until("istiod", () => false, { stillPossible }),
    /istiod ended early/,
  );
});
