/**
 * The tests of the API server's client and of the store that need a real API server, which
 * `npm test` skips.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CHART } from "../fenceline/helm.ts";
import { Fenceline } from "../fenceline/install.ts";
import type { KubernetesObject } from "../lab/kubernetes/object.ts";
import type { Lab } from "../lab/lab.ts";
import { PROJECT } from "../places.ts";
import { runCommand } from "../setup/command.ts";
import type { Report, Suite } from "./suite.ts";

const TESTS = ["packages/kubernetes/src/**/real-*.test.ts", "packages/store/src/kubernetes/real-*.test.ts"];

export const store: Suite = { name: "store", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("the chart's kinds are there, and no collector that would act on what the tests make", () => onlyKinds(lab));
  const output = await report.step("the tests run", () =>
    runCommand(process.execPath, ["--test", "--test-reporter=tap", "--test-timeout=120000", ...TESTS], {
      cwd: PROJECT,
      env: { FENCELINE_KUBECONFIG: lab.controlPlane.apiServer.kubeconfig },
    }),
  );
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1]);
  report.figure("tests against the real API server", count("pass"));
  await report.step("all of them passed, and none was skipped", async () =>
    assert.deepEqual([count("fail"), count("skipped"), count("pass") > 0], [0, 0, true]),
  );
  // Their Services declare ports, and what the fallback's Service was once given it keeps.
  await report.step("what they made is gone", () =>
    lab.until("their namespaces to go", () => testNamespacesAreGone(lab), { timeout: 60_000 }),
  );
}

async function testNamespacesAreGone(lab: Lab): Promise<boolean> {
  const namespaces = await lab.kubernetes.list("v1", "Namespace");
  return !namespaces.some(({ metadata }) => metadata.name.startsWith("fenceline-test-"));
}

async function onlyKinds(lab: Lab): Promise<void> {
  await Fenceline.uninstall(lab);
  const files = globSync("*.yaml", { cwd: join(CHART, "crds") });
  const kinds = files.map((file) => parse(readFileSync(join(CHART, "crds", file), "utf8")) as KubernetesObject);
  for (const kind of kinds) await lab.kubernetes.apply(kind);
  for (const { spec } of kinds as unknown as readonly { readonly spec: { readonly group: string } }[]) {
    await lab.until(`${spec.group} to be served`, () => lab.kubernetes.list(`${spec.group}/v1alpha1`, "ServiceFence"));
  }
}
