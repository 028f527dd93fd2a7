/**
 * A fence that is switched off or deleted, and the whole chart uninstalled, leave every Envoy as it
 * was before.
 */
import assert from "node:assert/strict";
import { MANAGED_BY_LABEL, MANAGER } from "@fenceline/api";
import { Fenceline } from "../../fenceline/install.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import { applyFence, failuresOf, firstCall, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { SteadyLoad } from "../mesh/steady-load.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { configurationOf, differences, type EnvoyConfiguration } from "./envoy-configuration.ts";

const NAMESPACE = "removal";
const KNOWN = numbered("known", 3);
/** What a workload without a fence sees, and a fenced one does not. */
const OTHERS = numbered("other", 10);
const FENCE = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { namespace: NAMESPACE, name: "a" } };
/**
 * Milliseconds for a removal to be over: an Envoy lets a listener that is gone, and its route
 * table, drain for 45 s.
 */
const TIMEOUT = 90_000;

export const removal: Suite = { name: "removal", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("the chart is not installed, or is uninstalled", () => Fenceline.uninstall(lab));
  const caller = await report.step("a caller and a callee with many names start", () => startPods(lab));
  const beforeChart = await settledConfiguration(lab, caller);
  report.figure("items in Envoy's configuration before anything is installed", beforeChart.size);
  await report.step("the chart is installed", () => Fenceline.install(lab));
  const beforeFence = await settledConfiguration(lab, caller);
  const load = await report.step("a fence is made, learns what is called, and changes the Envoy", () =>
    fence(lab, report, caller, beforeFence),
  );
  await report.step("mode: Off leaves the Envoy as it was before the fence, under load", () =>
    restores(lab, report, { what: "mode: Off", caller, before: beforeFence, load }, () => applyFence(lab, NAMESPACE, "a", { mode: "Off" })),
  );
  await report.step("mode: Enforce brings it back with all that it had learned, under load", () => enforceAgain(lab, caller, load));
  await report.step("the fence deleted leaves the Envoy as it was before the fence, under load", () =>
    restores(lab, report, { what: "fence deleted", caller, before: beforeFence, load }, () => lab.kubernetes.delete(FENCE)),
  );
  await report.step("a new fence learns in mode Observe and is enforced then, under load", () => observeThenEnforce(lab, caller, load));
  await report.step("the chart uninstalled leaves the Envoy as it was before the chart, under load on known and cold edges", () =>
    restores(lab, report, { what: "chart uninstalled", caller, before: beforeChart, load }, () => uninstall(lab, report, caller)),
  );
  await report.step("nothing with our label is left; the fence and its kind stay, for they are the users'", () => requireNothingLeft(lab));
  await report.step("the chart installed again fences the workload with all that it had learned, under load", async () => {
    await Fenceline.install(lab);
    await untilFenced(lab, caller);
    await load.requireUnbroken();
    await requireKnown(lab);
  });
  report.figure("requests on known edges all the time, none failed", await load.stop());
}

async function startPods(lab: Lab): Promise<Workload> {
  await lab.namespace(NAMESPACE);
  await applyServices(lab, NAMESPACE, [...KNOWN, ...OTHERS], "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  const caller = await startWorkload(lab, NAMESPACE, "a");
  for (const name of [...KNOWN, ...OTHERS]) await untilDirect(lab, caller, urlOf(name));
  return caller;
}

async function fence(lab: Lab, report: Report, caller: Workload, before: EnvoyConfiguration): Promise<SteadyLoad> {
  await applyFence(lab, NAMESPACE, "a");
  await untilFenced(lab, caller);
  for (const name of KNOWN) {
    await firstCall(caller, urlOf(name));
    await untilDirect(lab, caller, urlOf(name));
  }
  const hiddenBy = (changes: readonly string[]) =>
    OTHERS.filter((name) => changes.some((change) => change.startsWith("- ") && change.includes(`|${name}.${NAMESPACE}.`)));
  // They are parked before they go; the assertion below says which do not.
  const areHidden = async () => hiddenBy(differences(before, await configurationOf(caller.pod.envoy))).length === OTHERS.length;
  await lab.until("the other hosts hidden", areHidden, { timeout: TIMEOUT }).catch(() => {});
  const changes = differences(before, await settledConfiguration(lab, caller));
  report.figure("items that the fence took away, added or changed", changes.length);
  assert.deepEqual(hiddenBy(changes), OTHERS);
  return SteadyLoad.start(caller, KNOWN.map(urlOf));
}

interface Removal {
  readonly what: string;
  readonly caller: Workload;
  /** The configuration to come back to. */
  readonly before: EnvoyConfiguration;
  readonly load: SteadyLoad;
}

async function restores(lab: Lab, report: Report, { what, caller, before, load }: Removal, remove: () => Promise<unknown>): Promise<void> {
  assert.notDeepEqual(differences(before, await settledConfiguration(lab, caller)), [], "there is nothing to remove");
  const start = performance.now();
  await remove();
  const isRestored = async () => differences(before, await configurationOf(caller.pod.envoy)).length === 0;
  // The assertion below says what is wrong, if something is.
  await lab.until("the former configuration", isRestored, { timeout: TIMEOUT }).catch(() => {});
  report.figure(`${what} → Envoy as before`, performance.now() - start, "ms");
  const left = differences(before, await settledConfiguration(lab, caller));
  report.figure(`${what}: items that differ from before`, left.length);
  assert.deepEqual(left, []);
  await load.requireUnbroken();
}

async function enforceAgain(lab: Lab, caller: Workload, load: SteadyLoad): Promise<void> {
  await applyFence(lab, NAMESPACE, "a");
  await untilFenced(lab, caller);
  await requireKnown(lab);
  await load.requireUnbroken();
}

async function observeThenEnforce(lab: Lab, caller: Workload, load: SteadyLoad): Promise<void> {
  await applyFence(lab, NAMESPACE, "a", { mode: "Observe" });
  await lab.until("the fence to know what is called", async () => {
    const domains = (await readFence(lab, NAMESPACE, "a"))?.status.domains ?? {};
    return KNOWN.every((name) => domains[`${name}.${NAMESPACE}.svc.cluster.local`]?.source === "learned");
  });
  await applyFence(lab, NAMESPACE, "a", { mode: "Enforce" });
  await untilFenced(lab, caller);
  await requireKnown(lab);
  await load.requireUnbroken();
}

/**
 * Helm runs the withdrawal first. Until the Sidecar goes, a cold edge needs the global sidecar, and
 * after it the whole mesh.
 */
async function uninstall(lab: Lab, report: Report, caller: Workload): Promise<void> {
  const load = await caller.app.load({ url: urlOf("other1"), interval: 10 });
  const start = performance.now();
  await Fenceline.uninstall(lab);
  report.figure("helm uninstall", (performance.now() - start) / 1_000, "s");
  const cold = await load.stop();
  report.figure("chart uninstalled: requests on an edge that was cold, none failed", cold.sent);
  assert.equal(cold.failed, 0, failuresOf([cold], caller));
}

async function requireNothingLeft(lab: Lab): Promise<void> {
  const isOurs = ({ metadata }: KubernetesObject) => metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
  for (const [apiVersion, kind] of [
    ["networking.istio.io/v1beta1", "Sidecar"],
    ["networking.istio.io/v1alpha3", "EnvoyFilter"],
  ] as const) {
    const left = (await lab.kubernetes.list(apiVersion, kind)).filter(isOurs);
    assert.deepEqual(left, [], `${kind} objects of Fenceline's`);
  }
  assert.deepEqual(await lab.kubernetes.list("apps/v1", "Deployment"), []);
  assert.ok((await lab.kubernetes.get(FENCE)) !== undefined, "the fence is gone");
}

async function requireKnown(lab: Lab): Promise<void> {
  const hosts = await sidecarHosts(lab, NAMESPACE, "a");
  for (const name of KNOWN)
    assert.ok(hosts?.includes(`${NAMESPACE}/${name}.${NAMESPACE}.svc.cluster.local`), `${name} is not in the Sidecar`);
}

/**
 * The configuration once it has been the same for half a second, which is longer than istiod
 * gathers changes for.
 */
async function settledConfiguration(lab: Lab, { pod }: Workload): Promise<EnvoyConfiguration> {
  let last = await configurationOf(pod.envoy);
  let since = performance.now();
  return lab.until("a configuration that stays", async () => {
    const now = await configurationOf(pod.envoy);
    if (differences(last, now).length > 0) since = performance.now();
    last = now;
    return performance.now() - since > 500 ? now : undefined;
  });
}

function urlOf(name: string): string {
  return `http://${name}.${NAMESPACE}/`;
}
