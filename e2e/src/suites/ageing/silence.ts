import assert from "node:assert/strict";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import { readFence } from "../mesh/fence.ts";
import type { Report } from "../suite.ts";
import { type Caller, NAMESPACE, ONCE, shown, startLoads, USED, untilDirectAll, untilGone, WINDOW } from "./mesh.ts";

/** Services that are called before the silence. */
const CALLED = ONCE.slice(0, 5);
/** Milliseconds for what was logged before the silence to arrive. */
const ARRIVAL = 5_000;

/**
 * A workload that calls nobody is not observed, so nothing of it ages. That a window has passed is
 * seen by another workload, which goes on calling, and whose hosts leave meanwhile.
 */
export async function watchSilence(
  lab: Lab,
  report: Report,
  silent: Caller,
  silentLoads: readonly RunningLoad[],
  talking: Caller,
): Promise<void> {
  const all = [...CALLED, ...USED];
  const start = await report.step(`${silent.name} falls silent, ${talking.name} goes on`, async () => {
    await Promise.all([silent, talking].map((caller) => untilDirectAll(lab, caller, CALLED)));
    await Promise.all(silentLoads.map((load) => load.stop()));
    return Date.now();
  });
  await report.step(`while two windows pass for ${talking.name}, ${silent.name} loses nothing`, async () => {
    await untilGone(lab, talking, CALLED);
    await untilDirectAll(lab, talking, CALLED);
    await untilGone(lab, talking, CALLED);
    assert.ok(Date.now() - start > 2 * WINDOW);
    const hosts = await shown(lab, silent);
    assert.deepEqual(
      all.filter((service) => !hosts.has(service)),
      [],
    );
    const { observedUntil = "" } = (await readFence(lab, NAMESPACE, silent.name))?.status ?? {};
    assert.ok(Date.parse(observedUntil) < start + ARRIVAL, `${silent.name} was observed until ${observedUntil}`);
  });
  report.figure("silence in which nothing aged", (Date.now() - start) / 1_000, "s");
  await report.step(`${silent.name} calls again, and what it does not use leaves`, async () => {
    const loads = await startLoads(silent);
    await untilGone(lab, silent, CALLED);
    for (const load of loads) assert.equal((await load.stop()).failed, 0);
  });
}
