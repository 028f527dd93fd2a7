import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../process.ts";
import { profileWhile } from "./profile.ts";
import { cpuShares } from "./reasons.ts";
import type { StepResult } from "./step.ts";

/**
 * Works for part of the time, in one place. V8 may inline the timer's callback into Node's timers,
 * and the profile counts it as theirs then; so the work is in a function that it calls.
 */
const BUSY = `let sum = 0;
function work() { for (let at = 0; at < 3e6; at++) sum = (sum * 31 + at) | 0; }
setInterval(() => work(), 20);
process.stdout.write("up");`;

test("issue 14: a profile tells in which folder of a package a process spends its time, and counts no waiting", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-profile-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = join(folder, "packages/store/src/kubernetes");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "busy.mjs"), BUSY);
  const inspectPort = await freePort();
  const busy = spawn(process.execPath, [`--inspect-port=127.0.0.1:${inspectPort}`, join(place, "busy.mjs")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(busy, "exit");
  t.after(async () => {
    busy.kill();
    await ended;
  });
  await once(busy.stdout, "data");
  const shares = await profileWhile({ pid: busy.pid ?? 0, inspectPort }, () => delay(500), t.signal);
  const [first] = shares;
  assert.equal(first?.[0], "store/kubernetes");
  assert.ok(first[1] > 50, `${first[1]} %`);
  const all = shares.reduce((sum, [, percent]) => sum + percent, 0);
  assert.ok(Math.abs(all - 100) < 0.01, `${all} %`);
});

test("issue 14: of each change that costs more CPU than it may the bench says where that goes, and of no other", () => {
  const edges = new Map([
    [10, { cpuPerEdge: 8.44 }],
    [200, { cpuPerEdge: 3 }],
  ]) as unknown as StepResult["edges"];
  const shares = [["store/kubernetes", 31.4] as const, ["collections of garbage", 20] as const];
  const profiles = { services: shares, endpointSlices: [], edges: new Map([[10, shares]]) };
  assert.deepEqual(cpuShares({ perService: 2.5, perEndpointSlice: 2, edges, profiles }), [
    "CPU per unrelated Service: 2.5 ms, of which 31 % store/kubernetes, 20 % collections of garbage",
    "CPU per edge at 10/s: 8.4 ms, of which 31 % store/kubernetes, 20 % collections of garbage",
  ]);
});
