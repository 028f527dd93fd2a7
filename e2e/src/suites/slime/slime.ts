/**
 * Fences move from Slime to Fenceline as docs/migrating-from-slime.md says: no request fails, no
 * known call becomes a first one, and no object has two owners.
 */
import assert from "node:assert/strict";
import { type Condition, MANAGED_BY_LABEL, MANAGER } from "@fenceline/api";
import { FALLBACK_IDENTITY, Fenceline } from "../../fenceline/install.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import { failuresOf, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { SteadyLoad } from "../mesh/steady-load.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { APPS, FENCE, hostOf, learnedStatus, SLIME, SLIME_CLUSTER, SLIME_SIDECAR, slimeFilter, slimeSidecar } from "./objects.ts";

const KNOWN = numbered("known", 3);
/** Nobody has called it yet. */
const COLD = "cold";
const SIDECAR = { ...FENCE, apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar" };

export const slime: Suite = { name: "slime", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("the kinds are there, and Fenceline is not", async () => {
    await Fenceline.install(lab);
    await Fenceline.uninstall(lab);
  });
  try {
    await moves(lab, report);
  } finally {
    await lab.kubernetes.delete(slimeFilter());
  }
}

async function moves(lab: Lab, report: Report): Promise<void> {
  const { caller, sidecar } = await report.step(
    "a workload is fenced by Slime's objects: what it calls is direct, all else goes to Slime's fallback",
    () => fencedBySlime(lab),
  );
  const load = await SteadyLoad.start(caller, KNOWN.map(urlOf));
  const cold = await caller.app.load({ url: urlOf(COLD), interval: 20 });
  await report.step("Fenceline is installed: it adopts the Sidecar, with all that Slime had learned, and nothing fails", async () => {
    await Fenceline.install(lab);
    await adopted(lab, sidecar);
    report.figure("requests on known edges while it was adopted, none failed", await load.requireUnbroken());
    await requireNoneFailed(cold, caller);
  });
  await report.step("its conditions say that it is in force, that nothing conflicts, and what keeps calls from our fallback", async () => {
    await lab.until("the conditions", async () => (await condition(lab, "FallbackReady")) === "False CatchAllRemoved");
    assert.deepEqual(
      [await condition(lab, "Enforced"), await condition(lab, "Conflict")],
      ["True SidecarRendered", "False NoOtherSidecar"],
    );
    assert.equal(await answeredBy(caller, COLD), `${SLIME}/${SLIME_SIDECAR}`);
  });
  await report.step("Slime's EnvoyFilter is deleted: calls take our fallback in the same moment, and are learned", async () => {
    await lab.kubernetes.delete(slimeFilter());
    await untilFenced(lab, caller);
    await untilDirect(lab, caller, urlOf(COLD));
    await lab.until("the condition", async () => (await condition(lab, "FallbackReady")) === "True EndpointsReady");
    const { peers } = await requireNoneFailed(cold, caller);
    assert.ok(
      peers.some(({ peer }) => peer === FALLBACK_IDENTITY),
      "no call took our fallback",
    );
    await load.requireUnbroken();
  });
  await report.step("Slime's global sidecar goes, and nobody misses it", async () => {
    await lab.kubernetes.delete({ apiVersion: "v1", kind: "Service", metadata: { namespace: SLIME, name: SLIME_SIDECAR } });
    await lab.until("its cluster to go", async () => !(await caller.pod.envoy.clusterNames()).includes(SLIME_CLUSTER));
    await load.requireUnbroken();
    await requireNoneFailed(cold, caller);
  });
  report.figure("requests on known edges all the time, none failed", await load.stop());
  report.figure("requests on an edge that was cold, none failed", (await requireNoneFailed(cold, caller)).sent);
  await cold.stop();
}

async function fencedBySlime(lab: Lab): Promise<{ readonly caller: Workload; readonly sidecar: KubernetesObject }> {
  for (const namespace of [APPS, SLIME]) await lab.namespace(namespace);
  await applyServices(lab, APPS, [...KNOWN, COLD], "b");
  await applyServices(lab, SLIME, [SLIME_SIDECAR], SLIME_SIDECAR);
  await startWorkload(lab, APPS, "b", { http: [8_080] });
  // It answers itself: how Slime's forwards is no matter here.
  await startWorkload(lab, SLIME, SLIME_SIDECAR, { http: [8_080] });
  const caller = await startWorkload(lab, APPS, "a");
  await lab.kubernetes.apply(slimeFilter());
  const fence = await lab.kubernetes.apply({ ...FENCE, spec: { enable: true } });
  await lab.kubernetes.patch(FENCE, { status: learnedStatus(KNOWN) }, "status");
  const sidecar = await lab.kubernetes.apply(slimeSidecar(fence, KNOWN));
  for (const name of KNOWN) await untilDirect(lab, caller, urlOf(name));
  await lab.until("Slime's fallback to answer", async () => (await answeredBy(caller, COLD)) === `${SLIME}/${SLIME_SIDECAR}`);
  return { caller, sidecar };
}

async function adopted(lab: Lab, before: KubernetesObject): Promise<void> {
  const after = await lab.until("the Sidecar to be ours", async () => {
    const found = await lab.kubernetes.get(SIDECAR);
    return found?.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER ? found : undefined;
  });
  assert.equal(after.metadata.uid, before.metadata.uid, "the same object");
  const hosts = await sidecarHosts(lab, APPS, "a");
  for (const name of KNOWN) assert.ok(hosts?.includes(`${APPS}/${hostOf(name)}`), hosts?.join(" "));
  const { domains = {} } = (await readFence(lab, APPS, "a"))?.status ?? {};
  assert.deepEqual(new Set(KNOWN.map((name) => domains[hostOf(name)]?.source)), new Set(["imported"]));
}

async function requireNoneFailed(load: RunningLoad, caller: Workload) {
  const seen = await load.report();
  assert.equal(seen.failed, 0, failuresOf([seen], caller));
  return seen;
}

async function answeredBy({ app }: Workload, name: string): Promise<string | undefined> {
  return (await app.echo(urlOf(name))).body.pod;
}

/** `True EndpointsReady` */
async function condition(lab: Lab, type: Condition["type"]): Promise<string | undefined> {
  const found = (await readFence(lab, APPS, "a"))?.status.conditions?.find((each) => each.type === type);
  return found && `${found.status} ${found.reason}`;
}

function urlOf(name: string): string {
  return `http://${name}.${APPS}/`;
}
