/** `npm run e2e [-- smoke …]`: starts the mesh lab, runs suites in it, and takes everything down again. */
import { FencelineError } from "@fenceline/api";
import { runProgram } from "./exit.ts";
import { Lab } from "./lab/lab.ts";
import { requireLinuxAndRoot } from "./platform.ts";
import { PARTS } from "./setup/parts.ts";
import { coldEdges } from "./suites/cold-edges.ts";
import { outages } from "./suites/outages/outages.ts";
import { PrintedReport } from "./suites/printed-report.ts";
import { removal } from "./suites/removal/removal.ts";
import { replicas } from "./suites/replicas/replicas.ts";
import { smoke } from "./suites/smoke.ts";
import type { Suite } from "./suites/suite.ts";

const SUITES: readonly Suite[] = [smoke, coldEdges, outages, replicas, removal];

await runProgram("e2e", async (signal) => {
  requireLinuxAndRoot();
  const suites = chosen(process.argv.slice(2));
  await requireSetup();
  const start = performance.now();
  const lab = await Lab.start(signal);
  try {
    console.log(`the mesh is up after ${((performance.now() - start) / 1_000).toFixed(1)} s; logs and kubeconfig are in ${lab.folder}`);
    for (const suite of suites) await run(suite, lab);
  } finally {
    await lab.close();
  }
});

async function run(suite: Suite, lab: Lab): Promise<void> {
  const report = new PrintedReport(suite.name);
  try {
    await suite.run(lab, report);
    await lab.clear();
  } finally {
    await report.end();
  }
}

function chosen(names: readonly string[]): readonly Suite[] {
  const unknown = names.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    const hint = `there are ${SUITES.map(({ name }) => name).join(", ")}`;
    throw new FencelineError("LAB_NO_SUITE", { message: `no suite '${unknown}'`, hint });
  }
  return names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name));
}

async function requireSetup(): Promise<void> {
  const missing: string[] = [];
  for (const part of PARTS) if (!(await part.isThere())) missing.push(part.name);
  if (missing.length > 0)
    throw new FencelineError("LAB_NOT_SET_UP", { message: `missing: ${missing.join(", ")}`, hint: "npm run e2e:setup" });
}
