/**
 * Hosts that nobody uses leave a fence; hosts in use stay, and so does everything while nothing is
 * observed.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import { firstCall } from "../mesh/fence.ts";
import type { Report, Suite } from "../suite.ts";
import { churnUnderLoad } from "./churn.ts";
import { beginLongUse, endLongUse, requireLongUse } from "./long-use.ts";
import {
  type Caller,
  hostOf,
  learned,
  NAMESPACE,
  ONCE,
  SLOW,
  STREAM,
  startCallee,
  startCaller,
  startLoads,
  USED,
  untilDirectAll,
  untilGone,
  urlOf,
  WINDOW,
} from "./mesh.ts";
import { watchSilence } from "./silence.ts";

/** Services that are called again after they have left. */
const AGAIN = ONCE.slice(0, 10);

export const ageing: Suite = { name: "ageing", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed, with two collectors", () =>
    Fenceline.install(lab, { collector: { replicas: 2 } }),
  );
  await lab.namespace(NAMESPACE);
  await startCallee(lab);
  const near = await report.step("a fenced caller that the leader observes", () => startCaller(lab, fenceline, "near", "the leader"));
  const far = await report.step("one that another collector observes", () => startCaller(lab, fenceline, "far", "another collector"));
  report.figure("idle window", WINDOW / 1_000, "s");
  const nearLoads = await startLoads(near);
  const farLoads = await startLoads(far);
  await churn(lab, report, [near, far]);
  await report.step("no request to a host in use failed", async () => {
    for (const load of [...nearLoads, ...farLoads]) await requireNoFailure(report, load);
  });
  await watchSilence(lab, report, near, nearLoads, far);
  for (const load of farLoads) assert.equal((await load.stop()).failed, 0);
  await churnUnderLoad(lab, report);
}

/** Hosts come and go while others are in use. */
async function churn(lab: Lab, report: Report, callers: readonly Caller[]): Promise<void> {
  const both = <T>(work: (caller: Caller) => Promise<T>): Promise<T[]> => Promise.all(callers.map(work));
  const uses = await report.step("a request and a TCP connection begin that will outlast the window", () =>
    both(async (caller) => ({ caller, use: await beginLongUse(lab, caller), before: await learned(lab, caller) })),
  );
  await report.step(`${ONCE.length} services are called, and learned`, () => both((caller) => untilDirectAll(lab, caller, ONCE)));
  await report.step("the unused ones leave Sidecar and status", async () => {
    const times = await both((caller) => timeOf(() => untilGone(lab, caller, ONCE)));
    for (const [index, { name, collector }] of callers.entries())
      report.figure(`${name}, observed by ${collector}: from the last call until ${ONCE.length} hosts were gone`, times[index] ?? 0, "s");
  });
  await report.step("the request and the connection have outlasted them", async () => {
    for (const { caller, use } of uses) await requireLongUse(lab, caller, use);
  });
  await report.step(
    `${AGAIN.length} of them are called again: the first call succeeds through the fallback, and they are learned anew`,
    () =>
      both(async (caller) => {
        for (const service of AGAIN) await firstCall(caller, urlOf(service));
        await untilDirectAll(lab, caller, AGAIN);
      }),
  );
  await report.step("they leave again", () => both((caller) => untilGone(lab, caller, AGAIN)));
  await report.step("the request is answered, the connection still works, and neither host had ever left", async () => {
    for (const { caller, use, before } of uses) {
      await endLongUse(caller, use);
      const now = await learned(lab, caller);
      for (const host of [...USED, SLOW, STREAM].map(hostOf)) assert.equal(now.get(host), before.get(host), `${caller.name}: ${host} left`);
    }
  });
  await report.step("once they have ended, their hosts leave too", () => both((caller) => untilGone(lab, caller, [SLOW, STREAM])));
}

async function requireNoFailure(report: Report, load: RunningLoad): Promise<void> {
  const told = await load.report();
  report.figure("requests to a host in use, all successful", told.succeeded);
  assert.equal(told.failed, 0, JSON.stringify(told.failures));
}

/** Seconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}
