/**
 * Whatever is not HTTP: visible in every fence it never fails; learned, it is direct and in mTLS
 * from the second connection on.
 */
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Report, Suite } from "../suite.ts";
import { learn } from "./learn.ts";
import { visible } from "./visible.ts";

export const tcp: Suite = { name: "tcp", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await visible(lab, report);
  await learn(lab, report);
}
