import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import { Refusal } from "../refusals/refusal.ts";
import { FailureLog } from "./failure-log.ts";

type Line = {
  readonly code: string;
  readonly endpoint?: string;
  readonly cause?: string;
  readonly msg: string;
  readonly suppressed?: number;
};

function start(t: TestContext): { log: FailureLog; lines: Line[] } {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: 5_000 });
  const lines: Line[] = [];
  return { log: new FailureLog(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })), lines };
}

const isLeftOut = ({ msg }: Line) => msg === "lines left out";

test("a flood of one failure is logged in ten lines a second, and a line a second later says how many were left out", (t) => {
  const { log, lines } = start(t);

  for (let i = 0; i < 1_000; i += 1) log.refused(new Refusal("CONNECT_FAILED", "x"), {});
  log.refused(new Refusal("LOOP", "x"), {});
  assert.equal(lines.length, 11);
  t.mock.timers.tick(1_000);

  assert.deepEqual(
    lines.filter(isLeftOut).map(({ code, suppressed }) => [code, suppressed]),
    [["CONNECT_FAILED", 990]],
  );
  log.refused(new Refusal("CONNECT_FAILED", "x"), {});
  assert.equal(lines.length, 13);
  t.mock.timers.tick(1_000);
  assert.equal(lines.length, 13);
});

test("T-41 a destination that breaks every answer does not take the line of another one", (t) => {
  const { log, lines } = start(t);

  for (let i = 0; i < 1_000; i += 1) log.brokenOff({ endpoint: "http://10.0.0.1:80" });
  log.brokenOff({ endpoint: "http://10.0.0.2:80" });

  assert.equal(lines.length, 11);
  assert.equal(lines[10]?.endpoint, "http://10.0.0.2:80");
});

test("T-41 an answer whose line is left out is told with its destination and reason, though no other answer breaks", (t) => {
  const { log, lines } = start(t);
  for (let i = 0; i < 50; i += 1) log.brokenOff({ endpoint: `http://10.0.0.${i}:80`, cause: "closed" });

  log.brokenOff({ endpoint: "http://10.1.0.1:80", cause: "a chunk has no size" });
  t.mock.timers.tick(1_000);

  const [{ code, endpoint, cause, suppressed } = assert.fail(), ...more] = lines.filter(isLeftOut);
  assert.deepEqual([code, endpoint, cause, suppressed], ["UPSTREAM_BROKE_OFF", "http://10.1.0.1:80", "a chunk has no size", 1]);
  assert.deepEqual(more, []);
});

test("T-41 however many destinations fail in the same way, fifty lines a second say it, fifty name others, and all are counted", (t) => {
  const { log, lines } = start(t);

  for (let i = 0; i < 1_000; i += 1) log.brokenOff({ endpoint: `http://10.0.${i >> 8}.${i & 255}:80` });
  assert.equal(lines.length, 50);
  t.mock.timers.tick(1_000);

  const leftOut = lines.filter(isLeftOut);
  assert.equal(leftOut.length, 51);
  assert.equal(
    leftOut.reduce((sum, { suppressed = 0 }) => sum + suppressed, 0),
    950,
  );
  assert.deepEqual(
    leftOut.filter(({ endpoint }) => endpoint === undefined).map(({ suppressed }) => suppressed),
    [900],
  );
});

test("T-41 what is left out when the proxy stops is told before it does", (t) => {
  const { log, lines } = start(t);
  for (let i = 0; i < 11; i += 1) log.brokenOff({ endpoint: "http://10.0.0.1:80" });

  log.close();

  assert.equal(lines.at(-1)?.suppressed, 1);
  t.mock.timers.tick(1_000);
  assert.equal(lines.length, 11);
});
