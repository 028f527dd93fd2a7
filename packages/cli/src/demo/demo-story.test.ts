import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startFenceline } from "../testing/fenceline-process.ts";
import { undoAfter } from "../testing/undo.ts";

const DETAILS = "details.bookinfo.svc.cluster.local";
const REVIEWS = "reviews.bookinfo.svc.cluster.local";

test("T-51 the demo shows ageing: a service that is called no more leaves the fence, the log says so, and the next call teaches it anew", async (t) => {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-demo-"));
  undo(() => rmSync(folder, { recursive: true, force: true }));
  const fenceline = await startFenceline(folder);
  undo(() => {
    fenceline.kill("SIGKILL");
    return fenceline.ended;
  });
  const sidecar = () => readFileSync(join(folder, "rendered/bookinfo/Sidecar-productpage.yaml"), "utf8");

  const stopped = await fenceline.line(({ msg }) => msg === "demo: this service is no longer called, so its host will age out");
  assert.deepEqual([stopped.from, stopped.to, stopped.idleWindow], ["bookinfo/productpage", "details", "20s"]);
  assert.match(sidecar(), new RegExp(DETAILS));
  const left = await fenceline.line(({ msg }) => msg.startsWith("demo: the host has left the fence"));
  const aged = await fenceline.line(({ hosts, fence }) => fence === "bookinfo/productpage" && String(hosts) === DETAILS);
  // Who is called once a second stays.
  assert.match(sidecar(), new RegExp(REVIEWS));
  const seconds = (Date.parse(String(left.time)) - Date.parse(String(stopped.time))) / 1_000;
  assert.ok(seconds < 60, `${seconds} s`);
  assert.ok(Date.parse(String(aged.time)) <= Date.parse(String(left.time)));

  await fenceline.line(({ msg }) => msg.startsWith("demo: calls go on"));
  assert.match(sidecar(), new RegExp(DETAILS));
  const hops = fenceline.lines().filter(({ msg, to, time }) => msg === "demo call" && to === "details" && String(time) > String(left.time));
  assert.deepEqual(
    hops.map(({ hop }) => hop),
    ["fallback", "direct"],
  );
  fenceline.kill("SIGTERM");
  assert.equal((await fenceline.ended).code, 0);
});
