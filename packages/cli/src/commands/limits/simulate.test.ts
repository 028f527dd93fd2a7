import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

const LIMITER = `
apiVersion: microservice.slime.io/v1alpha2
kind: SmartLimiter
metadata: {name: reviews, namespace: shop}
spec:
  metrics: {qps: {query: "sum(rate(istio_requests_total[1m]))"}}
  target: {port: 9080}
  sets:
    _base:
      descriptor:
        - name: calls
          condition: "true"
          action: {fillInterval: {seconds: 60}, quota: "qps * 2", largestStep: {by: 50}, stepEvery: 30s, staleAfter: 60s, fallback: 10}
        - condition: "_base.pod > 2"
          action: {fillInterval: {seconds: 1}, quota: "100/{{._base.pod}}"}
`;
const SERIES = "time,qps,_base.pod\n0,100,2\n60,200,3\n120,,3\n300,50,3\n";

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-simulate-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return (name) => join(folder, name);
}

function simulate(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "limits", "simulate", ...args], { encoding: "utf8" });
  return { status, stdout, stderr, lines: stdout.trimEnd().split("\n") };
}

test("issue 17: simulate prints the quotas that rules would have had, with their reasons, at each moment at which they may change", (t) => {
  const file = folderOf(t, { "limiter.yaml": LIMITER, "series.csv": SERIES });
  const { status, stderr, lines } = simulate("-f", file("limiter.yaml"), "--series", file("series.csv"));
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(lines, [
    "time,qps,_base.pod,shop/reviews _base calls quota,shop/reviews _base calls reason,shop/reviews _base 1 quota,shop/reviews _base 1 reason",
    "0,100,2,200,Followed,,Followed",
    "60,200,3,250,Held,34,Followed",
    "90,200,3,300,Held,34,Followed",
    "120,,3,300,NoValues,34,Followed",
    "180,,3,10,Stale,34,Followed",
    "300,50,3,60,Held,34,Followed",
  ]);
});

test("issue 17: the example of docs/rate-limiting.md prints what the document says", (t) => {
  const page = readFileSync(join(import.meta.dirname, "../../../../../docs/rate-limiting.md"), "utf8");
  const [, section = ""] = page.split("## Try it out\n");
  const [limiter = "", series = "", printed] = [...section.matchAll(/```\w+\n(.*?)```/gs)].map(([, block = ""]) => block);
  const file = folderOf(t, { "limiter.yaml": limiter, "qps.csv": series });
  const { stdout, stderr } = simulate("-f", file("limiter.yaml"), "--series", file("qps.csv"), "--svg", file("quota.svg"));
  assert.deepEqual([stdout, stderr], [printed, ""]);
});

test("issue 17: simulate draws values and quotas as SVG, whatever names say", (t) => {
  const limiter = LIMITER.replace("name: calls", 'name: "<&>"');
  const file = folderOf(t, {
    "limiter.yaml": limiter,
    "series.csv": SERIES.replace(/^(\d+),/gm, (_, s) => `2026-01-01T00:0${s / 60}:00Z,`),
  });
  const { status, stdout } = simulate("-f", file("limiter.yaml"), "--series", file("series.csv"), "--svg", file("plot.svg"));
  assert.equal(status, 0);
  assert.match(stdout, /^2026-01-01T00:01:30\.000Z,200,3,300,Held/m);
  const svg = readFileSync(file("plot.svg"), "utf8");
  assert.deepEqual(
    [...svg.matchAll(/text-anchor="start">([^<]*)</g)].map(([, title]) => title),
    ["_base.pod", "qps", "shop/reviews _base &lt;&amp;&gt;: quota for 60 s", "shop/reviews _base 1: quota for 1 s"],
  );
  // The value of qps is missing from 120 s to 300 s: its line has a gap.
  const [, qps = ""] = svg.match(/>qps<.*?<path d="([^"]*)" fill="none"/s) ?? [];
  assert.equal(qps.split("M").length, 3);
});

test("issue 17: a rule that cannot be read is told, and the others are simulated", (t) => {
  const file = folderOf(t, { "limiter.yaml": LIMITER.replace("qps * 2", "rps * 2"), "series.csv": SERIES });
  const { status, stderr, lines } = simulate("-f", file("limiter.yaml"), "--series", file("series.csv"));
  assert.equal(status, 1);
  assert.match(stderr, /^shop\/reviews: spec\.sets\._base rule calls: .*nothing provides rps/);
  assert.equal(lines[0], "time,qps,_base.pod,shop/reviews _base 1 quota,shop/reviews _base 1 reason");
});

test("issue 17: of a series with a fault nothing is printed, and the exit code is 1", (t) => {
  const file = folderOf(t, { "limiter.yaml": LIMITER, "series.csv": "time,qps\n0,many\n" });
  const { status, stdout, stderr } = simulate("-f", file("limiter.yaml"), "--series", file("series.csv"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /SERIES_INVALID.*series\.csv:2/);
});

test("issue 17: without a SmartLimiter there is nothing to simulate", (t) => {
  const file = folderOf(t, { "none.yaml": "{apiVersion: v1, kind: Namespace, metadata: {name: a}}", "series.csv": SERIES });
  const { status, stdout, stderr } = simulate("-f", file("none.yaml"), "--series", file("series.csv"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /LIMITER_MISSING/);
});

test("issue 17: a series that would be decided without end is refused", (t) => {
  const limiter = LIMITER.replace("by: 50}, stepEvery: 30s", "by: 1}, stepEvery: 1s");
  const file = folderOf(t, { "limiter.yaml": limiter, "series.csv": "time,qps,_base.pod\n0,1,3\n1,1e9,3\n1e9,1e9,3\n" });
  const { status, stdout, stderr } = simulate("-f", file("limiter.yaml"), "--series", file("series.csv"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /SERIES_TOO_LONG/);
});
