import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Config } from "./config.ts";
import { boundedWindow, idleWindowOf, shortestWindowOf, windowRemarks } from "./fence-windows.ts";
import { ServiceFenceSpec, timestampMs } from "./kinds/service-fence.ts";

const { ageing } = Config.parse({});
const TEN_YEARS = 315_360_000_000;

test("T-14 a window is never shorter than the configuration's shortest, nor longer than ten years", () => {
  for (const [given, counted] of [
    ["1ms", 10_000],
    ["0s", 10_000],
    ["10s", 10_000],
    ["1h", 3_600_000],
    ["999999999h", TEN_YEARS],
  ] as const)
    assert.equal(idleWindowOf(ServiceFenceSpec.parse({ idleWindow: given }), ageing), counted, given);
  assert.equal(idleWindowOf(ServiceFenceSpec.parse({}), ageing), 86_400_000);
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (any) => boundedWindow(any, ageing) >= 10_000 && boundedWindow(any, ageing) <= TEN_YEARS),
  );
});

test("row 7: the shortest window of a fence is its own, or that of a host with the auto strategy", () => {
  const shortest = (spec: object) => shortestWindowOf(ServiceFenceSpec.parse(spec), ageing);
  const host = (seconds: number) => ({ b: { auto: { duration: { seconds } } }, c: { auto: {} }, d: { stable: {} } });
  assert.equal(shortest({ idleWindow: "1h", host: host(60) }), 60_000);
  assert.equal(shortest({ idleWindow: "1m", host: host(3_600) }), 60_000);
  assert.equal(shortest({ host: host(1) }), 10_000, "as the window itself counts");
});

test("T-14 every length of time that counts as another one is named, and only those", () => {
  const spec = ServiceFenceSpec.parse({
    idleWindow: "1ms",
    warmUp: { preload: "All", for: "0s" },
    host: {
      a: { auto: { duration: { seconds: -5 } } },
      b: { auto: { duration: { seconds: "9".repeat(300) } } },
      c: { auto: {} },
      d: { stable: {} },
    },
  });
  assert.deepEqual(windowRemarks(spec, ageing), [
    "spec.idleWindow 1ms counts as 10s",
    "spec.warmUp.for 0s counts as 10s",
    "spec.host['a'].auto.duration -5s counts as 10s",
    `spec.host['b'].auto.duration ${"9".repeat(40)}… (301 characters) counts as 87600h`,
  ]);
  assert.deepEqual(windowRemarks(ServiceFenceSpec.parse({ idleWindow: "1h", warmUp: { for: "0s" } }), ageing), []);
});

for (const idleWindow of [`${"9".repeat(500_000)}h`, `${"0".repeat(500_000)}ms`, "0ms".repeat(500_000)])
  test(`T-11 T-14 a duration of ${idleWindow.length} characters is not repeated whole in a condition and in the log`, () => {
    const remarks = windowRemarks(ServiceFenceSpec.parse({ idleWindow }), ageing);
    assert.equal(remarks.length, 1);
    assert.ok(remarks.join("").length < 150, `${remarks.join("").length} characters`);
  });

test("T-14 a point in time that no date can hold counts as the farthest that one can", () => {
  for (const seconds of ["9".repeat(400), 2 ** 53 - 1, `-${"9".repeat(30)}`])
    assert.doesNotThrow(() => new Date(timestampMs({ seconds }) ?? Number.NaN).toISOString(), String(seconds));
});

for (const [field, text] of [
  ["ageing.idleWindow", "1ms"],
  ["ageing.idleWindow", "9s"],
  ["ageing.idleWindow", "999999999h"],
  ["ageing.shortestWindow", "1ms"],
  ["ageing.shortestWindow", "25h"],
  ["telemetry.flushInterval", "0s"],
  ["telemetry.flushInterval", "11m"],
] as const)
  test(`T-14 the configuration refuses ${field}: ${text}`, () => {
    const [part = "", name = ""] = field.split(".");
    const { error } = Config.safeParse({ [part]: { [name]: text } });
    assert.deepEqual(error?.issues[0]?.path, [part, name]);
  });
