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

test("T-41 a destination that breaks every answer does not take the line of another one", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5_000 });
  const lines: { endpoint: string }[] = [];
  const log = new FailureLog(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }));

  for (let i = 0; i < 1_000; i += 1) log.brokenOff({ endpoint: "http://10.0.0.1:80" });
  log.brokenOff({ endpoint: "http://10.0.0.2:80" });

  assert.equal(lines.length, 11);
  assert.equal(lines[10]?.endpoint, "http://10.0.0.2:80");
});

test("T-41 however many destinations fail in the same way, fifty lines a second say it", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5_000 });
  const lines: { suppressed?: number }[] = [];
  const log = new FailureLog(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }));

  for (let i = 0; i < 1_000; i += 1) log.brokenOff({ endpoint: `http://10.0.${i >> 8}.${i & 255}:80` });
  assert.equal(lines.length, 50);
  t.mock.timers.tick(1_000);
  log.brokenOff({ endpoint: "http://10.1.0.1:80" });

  assert.equal(lines[50]?.suppressed, 950);
});
