/**
 * What proxies need is in the fences of their workloads, called or not: hidden, it has Envoy refuse
 * the listeners that name it, and a pod that restarts never gets ready (istio/istio#43043, #53701).
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import { meshConfig } from "../../lab/control-plane/istiod.ts";
import type { Lab } from "../../lab/lab.ts";
import { applyFence, readFence, sidecarHosts, untilFenced } from "../mesh/fence.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { APPS, authorization, clusterOf, hostOf, mirror, PORTS, PROVIDERS, TOOLS, tokens, tracing } from "./objects.ts";

/** Workloads, and what each of their proxies calls. */
const WORKLOADS = [
  { name: "traced", needs: "zipkin" },
  { name: "observed", needs: "otel" },
  { name: "guarded", needs: "authz" },
  { name: "mirrored", needs: "audit" },
] as const;

export const proxyNeeds: Suite = { name: "proxy-needs", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  for (const namespace of [APPS, TOOLS]) await lab.namespace(namespace);
  await lab.kubernetes.apply(meshConfig("ALLOW_ANY", PROVIDERS));
  try {
    await withProviders(lab, report);
  } finally {
    await lab.kubernetes.apply(meshConfig());
  }
}

async function withProviders(lab: Lab, report: Report): Promise<void> {
  const { caller, workloads } = await report.step(
    "workloads whose proxies trace, ask for authorization and mirror start, and work without a fence",
    () => startPods(lab),
  );
  await report.step("each is fenced, and what its proxy needs is in the fence, with the reason in its status", async () => {
    for (const workload of workloads.values()) {
      await applyFence(lab, APPS, workload.pod.spec.name);
      await untilFenced(lab, workload);
    }
    for (const { name, needs } of WORKLOADS) await assertNeeded(lab, name, needs);
  });
  await report.step("nothing that another workload's proxy alone needs is in it", async () => {
    const hosts = await sidecarHosts(lab, APPS, "traced");
    assert.ok(!hosts?.some((host) => host.includes("audit") || host.includes("keys")), hosts?.join());
  });
  for (const { name, needs } of WORKLOADS)
    await report.step(`${name} restarts within its fence: it starts, is ready, and its proxy reaches ${needs}`, async () => {
      await workloads.get(name)?.pod.delete();
      const again = await startApp(lab, name);
      workloads.set(name, again);
      await untilFenced(lab, again);
      await untilReached(lab, caller, again, needs);
    });
  await report.step("keys of tokens in the mesh are in the fence of the workload that checks them", async () => {
    await lab.kubernetes.apply(tokens("guarded"));
    await lab.until("the cluster of the keys", async () => hasCluster(workloads.get("guarded"), "keys"));
    assert.deepEqual(await reasons(lab, "guarded", "keys"), [`RequestAuthentication ${APPS}/guarded`]);
  });
  await report.step("what is needed no more leaves the fence", async () => {
    await lab.kubernetes.delete(tokens("guarded"));
    await lab.until("the cluster of the keys to go", async () => !(await hasCluster(workloads.get("guarded"), "keys")));
  });
}

async function startPods(lab: Lab): Promise<{ readonly caller: Workload; readonly workloads: Map<string, Workload> }> {
  for (const [name, port] of Object.entries(PORTS)) {
    const isGrpc = name === "otel";
    await applyServices(lab, TOOLS, [name], "tools", [{ name: isGrpc ? "grpc" : "http", port, targetPort: isGrpc ? PORTS.otel : 8_080 }]);
  }
  const caller = await startWorkload(lab, TOOLS, "tools", { http: [8_080], grpc: [PORTS.otel] });
  const objects = [
    tracing("traced", "lab-zipkin"),
    tracing("observed", "lab-otel"),
    authorization("guarded", "lab-authz"),
    mirror("mirrored"),
  ];
  for (const object of objects) await lab.kubernetes.apply(object);
  const workloads = new Map<string, Workload>();
  for (const { name, needs } of WORKLOADS) {
    await applyServices(lab, APPS, [name], name);
    const workload = await startApp(lab, name);
    workloads.set(name, workload);
    await untilReached(lab, caller, workload, needs);
  }
  return { caller, workloads };
}

function startApp(lab: Lab, name: string): Promise<Workload> {
  return startWorkload(lab, APPS, name, { http: [8_080] });
}

/** Calls the workload until its proxy has called what it needs. */
async function untilReached(lab: Lab, { app }: Workload, { pod }: Workload, needs: keyof typeof PORTS): Promise<void> {
  const { name } = pod.spec;
  await lab.until(`the proxy of ${name} to reach ${needs}`, async () => {
    const { status } = await app.call(`http://${name}.${APPS}/`);
    return status === 200 && (await pod.envoy.requests(clusterOf(needs, PORTS[needs]))) > 0;
  });
}

async function assertNeeded(lab: Lab, name: string, needs: string): Promise<void> {
  const egress = `${TOOLS}/${hostOf(needs)}`;
  await lab.until(`${needs} in the fence of ${name}`, async () => (await sidecarHosts(lab, APPS, name))?.includes(egress));
  const expected = needs === "audit" ? `EnvoyFilter ${APPS}/audit` : `MeshConfig extensionProviders[lab-${needs}]`;
  assert.deepEqual(await reasons(lab, name, needs), [expected]);
}

/** What the fence's status says of why a host is in it. */
function reasons(lab: Lab, fence: string, needs: string): Promise<readonly string[]> {
  return lab.until(`the status of ${fence} to name ${needs}`, async () => {
    const domains = (await readFence(lab, APPS, fence))?.status?.domains ?? {};
    return domains[hostOf(needs)]?.requiredBy;
  });
}

async function hasCluster(workload: Workload | undefined, needs: keyof typeof PORTS): Promise<boolean> {
  return (await workload?.pod.envoy.clusterNames())?.includes(clusterOf(needs, PORTS[needs])) ?? false;
}
