import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { Refusal } from "../refusals/refusal.ts";
import { FailureLog } from "./failure-log.ts";

test("a flood of one failure is logged in ten lines a second, and the next line says how many were left out", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5_000 });
  const lines: { code: string; suppressed?: number }[] = [];
  const log = new FailureLog(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }));

  for (let i = 0; i < 1_000; i += 1) log.refused(new Refusal("CONNECT_FAILED", "x"), {});
  log.refused(new Refusal("LOOP", "x"), {});
  assert.equal(lines.length, 11);
  t.mock.timers.tick(1_000);
  log.refused(new Refusal("CONNECT_FAILED", "x"), {});

  assert.equal(lines.length, 12);
  assert.equal(lines[11]?.suppressed, 990);
});
