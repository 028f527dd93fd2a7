/**
 * A fence opens nothing. Where REGISTRY_ONLY blocks what a mesh, or a namespace's default Sidecar,
 * does not know, it stays blocked while a fence for the caller comes, observes, enforces and goes;
 * and what was allowed is allowed all the time.
 */
import assert from "node:assert/strict";
import { Fenceline, NAMESPACE } from "../../fenceline/install.ts";
import { meshConfig } from "../../lab/control-plane/istiod.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import { applyFence, hasFallback, learnedHosts, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { untilMeshKnows } from "../mesh/routes.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import {
  type Attempt,
  type Attempts,
  attempts,
  CALLER,
  defaultSidecar,
  HIDDEN,
  OUTSIDE,
  SHOWN,
  serviceEntries,
  TCP_PORT,
} from "./calls.ts";

/**
 * Who says REGISTRY_ONLY, and whether that hides Services as well. The namespace's own hides
 * Fenceline's, too.
 */
const SCENES = [
  { name: "mesh", who: "MeshConfig", said: meshConfig("REGISTRY_ONLY"), unsaid: meshConfig(), hides: false },
  {
    name: "root",
    who: "the root namespace's default Sidecar",
    said: defaultSidecar("istio-system", NAMESPACE),
    unsaid: undefined,
    hides: true,
  },
  { name: "own", who: "the namespace's default Sidecar", said: defaultSidecar(CALLER), unsaid: undefined, hides: true },
] as const;

/** Milliseconds between two tries of each call. */
const INTERVAL = 50;
/** Nothing here is to be learned that is not called. */
const SPEC = { tcp: "learn", serviceEntries: "Learn" };

/** The caller, whom it may call, and where. */
interface Scene {
  readonly caller: Workload;
  readonly tries: Attempts;
}

export const neverWider: Suite = { name: "never-wider", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const { caller, outside, hiddenIP } = await report.step(
    "a caller, Services in two namespaces and a server outside of the mesh start",
    () => startPods(lab, fenceline),
  );
  for (const { name, who, said, unsaid, hides } of SCENES) {
    const scene = { caller, tries: attempts(`shown-${name}`, outside, hiddenIP) };
    await lab.kubernetes.apply(said);
    try {
      await underPolicy(lab, report, scene, { who, hides });
    } finally {
      await undo(lab, said, unsaid);
    }
  }
}

async function undo(lab: Lab, said: KubernetesObject, unsaid: KubernetesObject | undefined): Promise<void> {
  if (unsaid === undefined) await lab.kubernetes.delete(said);
  else await lab.kubernetes.apply(unsaid);
}

async function startPods(lab: Lab, fenceline: Fenceline) {
  for (const namespace of [CALLER, SHOWN, HIDDEN, OUTSIDE]) await lab.namespace(namespace);
  const shown = SCENES.map(({ name }) => `shown-${name}`);
  await applyServices(lab, SHOWN, shown, "shown");
  await applyServices(lab, HIDDEN, ["hidden"], "hidden");
  for (const [namespace, app] of [
    [SHOWN, "shown"],
    [HIDDEN, "hidden"],
  ] as const)
    await applyServices(lab, namespace, [`${app}-tcp`], app, [{ name: "tcp", port: TCP_PORT[app] }]);
  const [outside] = await Promise.all([
    startWorkload(lab, OUTSIDE, "outside", { http: [80], greet: [TCP_PORT.outside] }, { proxy: false }),
    startWorkload(lab, SHOWN, "shown", { http: [8_080], greet: [TCP_PORT.shown] }),
    startWorkload(lab, HIDDEN, "hidden", { http: [8_080], greet: [TCP_PORT.hidden] }),
  ]);
  const { address } = outside.pod;
  for (const entry of serviceEntries(address)) await lab.kubernetes.apply(entry);
  const caller = await startWorkload(lab, CALLER, "caller");
  const hosts = [...shown.map((name) => `${name}.${SHOWN}`), `hidden.${HIDDEN}`].map((host) => `${host}.svc.cluster.local`);
  await untilMeshKnows(lab, fenceline, hosts);
  const reference = { apiVersion: "v1", kind: "Service", metadata: { namespace: HIDDEN, name: "hidden" } };
  const { spec } = (await lab.kubernetes.get(reference)) as KubernetesObject & { readonly spec: { readonly clusterIP: string } };
  return { caller, outside: address, hiddenIP: spec.clusterIP };
}

/** A fence's whole life, under calls that must never pass, and others that must never fail. */
async function underPolicy(lab: Lab, report: Report, scene: Scene, { who, hides }: { readonly who: string; readonly hides: boolean }) {
  const { caller, tries } = scene;
  const allowed = hides ? tries.shown : [...tries.shown, ...tries.hidden];
  const blocked = hides ? [...tries.hidden, ...tries.unknown] : tries.unknown;
  await report.step(`${who} says REGISTRY_ONLY: without a fence ${allowed.length} calls pass and ${blocked.length} do not`, async () => {
    for (const attempt of blocked) await lab.until(`${attempt.what} to be blocked`, async () => !(await passes(caller, attempt)));
    for (const attempt of allowed) await lab.until(`${attempt.what} to be allowed`, () => passes(caller, attempt));
  });
  const loads = await Promise.all([...allowed, ...blocked].map(({ call }) => caller.app.load({ ...call, interval: INTERVAL })));
  await report.step("a fence observes", () => observe(lab, caller));
  await report.step("it enforces: its first calls go by way of the fallback, which refuses what was blocked", () =>
    enforce(lab, scene, hides),
  );
  await report.step("it is switched off, and deleted", () => end(lab, caller));
  await report.step("all the while nothing that was blocked passed, and nothing that was allowed failed", () =>
    assertLoads(loads, allowed, blocked),
  );
}

async function passes({ app }: Workload, { call }: Attempt): Promise<boolean> {
  try {
    return "url" in call ? (await app.call(call)).status === 200 : (await app.connect(call)) !== "";
  } catch {
    return false;
  }
}

async function observe(lab: Lab, caller: Workload): Promise<void> {
  await applyFence(lab, CALLER, "caller", { ...SPEC, mode: "Observe" });
  await lab.until("the fence's access logger", () => logsCalls(caller));
  assert.equal(await sidecarHosts(lab, CALLER, "caller"), undefined);
}

async function enforce(lab: Lab, { caller, tries }: Scene, hides: boolean): Promise<void> {
  await applyFence(lab, CALLER, "caller", { ...SPEC, mode: "Enforce" });
  await untilFenced(lab, caller);
  await lab.until("the fence's Sidecar", () => sidecarHosts(lab, CALLER, "caller"));
  const [service] = tries.shown;
  assert.ok(service !== undefined && "url" in service.call);
  await untilDirect(lab, caller, service.call);
  const asked = hides ? tries.hidden[0] : undefined;
  for (const [attempt, code] of [
    [tries.unknown[0], "EXTERNAL_REFUSED"],
    [asked, "HOST_HIDDEN"],
  ] as const)
    if (attempt !== undefined) await assertRefusedBy(lab, caller, attempt, code);
  const { host } = new URL(service.call.url);
  await lab.until("the host to be in the status", async () =>
    (await learnedHosts(lab, CALLER, "caller")).includes(`${host}.svc.cluster.local`),
  );
  const seen = (await sidecarHosts(lab, CALLER, "caller")) ?? [];
  assert.deepEqual(hides ? seen.filter((each) => each.startsWith(`${HIDDEN}/`)) : [], []);
}

/** The code of the fallback shows that the call got there. */
async function assertRefusedBy(lab: Lab, { app }: Workload, { what, call }: Attempt, code: string): Promise<void> {
  assert.ok("url" in call);
  await lab.until(`the fallback to refuse ${what}`, async () => (await app.call(call)).headers["fenceline-error"] === code);
}

/** Listeners that drain have the logger of before. */
async function logsCalls({ pod }: Workload): Promise<boolean> {
  const listeners = await pod.envoy.configDump("?resource=dynamic_listeners");
  return JSON.stringify(listeners.map(({ active_state }) => active_state)).includes(`fenceline/${CALLER}/caller`);
}

async function end(lab: Lab, caller: Workload): Promise<void> {
  const { pod } = caller;
  await applyFence(lab, CALLER, "caller", { ...SPEC, mode: "Off" });
  await lab.until("the Sidecar to go", async () => (await sidecarHosts(lab, CALLER, "caller")) === undefined);
  await lab.until("the fallback to leave the Envoy", async () => !(await pod.envoy.routeTables("80")).some(hasFallback));
  await lab.until("the access logger to leave the Envoy", async () => !(await logsCalls(caller)));
  const fence = await readFence(lab, CALLER, "caller");
  assert.ok(fence !== undefined);
  await lab.kubernetes.delete(fence as unknown as KubernetesObject);
  await lab.until("the fence to go", async () => (await readFence(lab, CALLER, "caller")) === undefined);
}

async function assertLoads(loads: readonly RunningLoad[], allowed: readonly Attempt[], blocked: readonly Attempt[]): Promise<void> {
  const reports = await Promise.all(loads.map((load) => load.stop()));
  for (const [at, { what }] of [...allowed, ...blocked].entries()) {
    const { sent = 0, succeeded = 0, failures = [] } = reports[at] ?? {};
    assert.ok(sent > 0, `${what} was not tried`);
    if (at < allowed.length) assert.deepEqual(failures, [], `${what} failed`);
    else assert.equal(succeeded, 0, `${what} passed`);
  }
}
