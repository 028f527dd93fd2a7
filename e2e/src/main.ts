/**
 * `npm run e2e [-- --envoy NAME --istio NAME smoke …]`: installs what is missing, starts the mesh
 * lab, runs suites in it, and removes everything again.
 */
import { readArguments } from "./arguments.ts";
import { describeError, runProgram } from "./exit.ts";
import { Lab } from "./lab/lab.ts";
import { requireLinuxAndRoot } from "./platform.ts";
import { setUp } from "./setup/set-up.ts";
import { PrintedReport, type SuiteResult } from "./suites/printed-report.ts";
import type { Suite } from "./suites/suite.ts";
import { SUITES } from "./suites/suites.ts";

await runProgram("e2e", async (signal) => {
  requireLinuxAndRoot();
  const { releases, suites } = readArguments(process.argv.slice(2), SUITES);
  await setUp(releases);
  const results: SuiteResult[] = [];
  const start = performance.now();
  const lab = await Lab.start(signal, releases);
  try {
    console.log(
      `the mesh is up after ${seconds(performance.now() - start)} s, with Envoy ${releases.envoy.version} and Istio of ${releases.istio.name}; logs and kubeconfig are in ${lab.folder}`,
    );
    for (const suite of suites) results.push(await run(suite, lab));
  } finally {
    await lab.close();
  }
  summarize(results);
  if (results.some(({ failed }) => failed > 0)) process.exitCode = 1;
});

/** A suite that fails ends, its remains are removed, and the next one begins. */
async function run(suite: Suite, lab: Lab): Promise<SuiteResult> {
  const report = new PrintedReport(suite.name, lab.releases);
  try {
    await suite.run(lab, report);
  } catch (error) {
    lab.signal.throwIfAborted();
    report.fail(describeError(error));
  } finally {
    await report.end();
  }
  await lab.clear();
  return report.result;
}

/** A table, and after it one line in the usual form of test output. */
function summarize(results: readonly SuiteResult[]): void {
  const width = Math.max(...results.map(({ suite }) => suite.length));
  console.log("");
  for (const { suite, passed, failed, milliseconds } of results) {
    console.log(
      `${failed === 0 ? "ok  " : "FAIL"} ${suite.padEnd(width)}  ${String(passed).padStart(3)} steps, ${seconds(milliseconds)} s`,
    );
  }
  const total = (count: (result: SuiteResult) => number) => results.reduce((sum, result) => sum + count(result), 0);
  console.log(`\n${total(({ passed }) => passed)} passed, ${total(({ failed }) => failed)} failed`);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
