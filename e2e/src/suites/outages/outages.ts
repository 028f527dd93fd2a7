/**
 * Every part fails in turn, under load: known edges do not notice, cold ones recover, nothing that
 * was learned is lost.
 */
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import { sum } from "../mesh/figures.ts";
import type { Report, Suite } from "../suite.ts";
import { apiServerOutage } from "./api-server.ts";
import { collectorOutages } from "./collectors.ts";
import { globalSidecarOutages } from "./global-sidecars.ts";
import { startScene } from "./scene.ts";

export const outages: Suite = { name: "outages", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const scene = await report.step("two fenced workloads call known services at a steady rate", () => startScene(lab, fenceline));
  await collectorOutages(scene, report);
  await apiServerOutage(scene, report);
  await globalSidecarOutages(scene, report);
  await report.step("all the time, no request on a known edge failed or took the fallback", async () => {
    const sent = await Promise.all(scene.loads.map((load) => load.stop()));
    report.figure("requests on known edges, none failed", sum(sent));
  });
}
