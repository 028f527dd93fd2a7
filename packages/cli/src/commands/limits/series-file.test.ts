import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readSeries } from "./series-file.ts";

function read(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-series-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "series.csv"), text);
  return readSeries(join(folder, "series.csv"));
}

test("issue 17: a series is read from CSV, in seconds or in times of a clock, and what is no number is missing", (t) => {
  const { names, points, isClock } = read(t, '"time", qps ,"_base.pod"\r\n0,1.5e2,3\r\n\r\n0.5,,NaN\r\n');
  assert.deepEqual([names, isClock], [["qps", "_base.pod"], false]);
  assert.deepEqual(
    points.map(({ at, values }) => [at, Object.fromEntries(values)]),
    [
      [0, { qps: 150, "_base.pod": 3 }],
      [500, {}],
    ],
  );
  const clock = read(t, "time,a\n2026-01-01T00:00:00Z,1\n2026-01-01T01:00:00+01:00,2\n");
  assert.deepEqual([clock.isClock, clock.points.map(({ at }) => at - Date.UTC(2026, 0, 1))], [true, [0, 0]]);
});

for (const [what, series, message] of [
  ["whose head has no time", "qps\n1\n", /series\.csv:1.*has to be time/],
  ["with a line that is too short", "time,qps\n0,1\n1\n", /series\.csv:3.*1 cells/],
  ["with a value that is no number", "time,qps\n0,many\n", /series\.csv:2.*"many" is not a number/],
  ["with a time that goes back", "time,qps\n5,1\n4,1\n", /series\.csv:3.*before/],
  ["with times of two forms", "time,qps\n5,1\n2026-01-01T00:00:00Z,1\n", /series\.csv:3.*no time/],
  ["without a line", "time,qps\n", /no line follows/],
  ["with a column twice", "time,a,a\n0,1,1\n", /two columns a/],
  ["with a column without a name", "time,\n0,1\n", /no name/],
  ["with too many columns", `time,${Array.from({ length: 65 }, (_, at) => `a${at}`)}\n0\n`, /more than 64 values/],
] as const)
  test(`issue 17: a series ${what} is refused`, (t) => {
    assert.throws(() => read(t, series), { code: "SERIES_INVALID", message });
  });
