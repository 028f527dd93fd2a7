/**
 * What an attacker in a pod, or with the rights of a namespace, tries against Fenceline in a STRICT
 * mesh, and does not get.
 */
import assert from "node:assert/strict";
import { NAMESPACE } from "../../fenceline/install.ts";
import { meshConfig } from "../../lab/control-plane/istiod.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import { learnedHosts, readFence } from "../mesh/fence.ts";
import type { Report, Suite } from "../suite.ts";
import { ATTACKERS, COLLECTOR, callAs, relay, type Scene, setScene, VICTIMS } from "./scene.ts";

const SECRET = `secret.${VICTIMS}.svc.cluster.local`;
const TO_SECRET = { upstreamCluster: `outbound|80||${SECRET}`, authority: SECRET, responseCode: 200 };
const REFUSED = 421;
const FORBIDDEN = 403;
const UNAUTHENTICATED = [7, 16];

export const trust: Suite = {
  name: "trust",
  async run(lab, report) {
    const scene = await report.step("Fenceline, two victims and two attackers start", () => setScene(lab));
    await identities(scene, report);
    await forwarding(scene, report);
    await fences(scene, report);
    await report.step("T-09 the collector's own Envoy puts no two clients on one connection", () => connectionPerClient(scene));
  },
};

/**
 * T-01, T-03, T-04: who may speak for whom. The victim calls nothing: what it learned would be its
 * own.
 */
async function identities(scene: Scene, report: Report): Promise<void> {
  const { fenced, unfenced } = scene;
  const target = `${COLLECTOR}:18081`;
  await report.step("T-01 the collector's API and metrics are closed to other namespaces", async () => {
    for (const { app } of [fenced, unfenced]) {
      for (const path of ["/api/v1/edges", "/metrics"])
        assert.equal((await app.call(`http://${COLLECTOR}:18082${path}`)).status, FORBIDDEN);
    }
  });
  await report.step("T-01 nor are API, admin port and metrics open by a pod's own address", async () => {
    // To a caller's Envoy that is any address: it sends plain text, which STRICT cuts off.
    const { collectors, globalSidecars } = scene.fenceline;
    const hosts = [...collectors.map(({ pod }) => `${pod.address}:18082`), ...globalSidecars.map(({ pod }) => `${pod.address}:18083`)];
    for (const { app } of [fenced, unfenced]) {
      for (const url of hosts.flatMap((host) => [`http://${host}/api/v1/edges`, `http://${host}/metrics`])) {
        const answer = await app.call(url).catch((error: Error) => error);
        assert.ok(answer instanceof Error || answer.status >= 400, `${url} is answered`);
      }
    }
  });
  await report.step("T-03 access logs in another namespace's name teach nothing", async () => {
    for (const call of [
      { logName: `fenceline/${VICTIMS}/victim` },
      { logName: "", node: { namespace: VICTIMS, labels: { app: "victim" }, istioVersion: "1.10.0" } },
      {
        logName: `fenceline/${VICTIMS}/victim`,
        metadata: { "x-forwarded-client-cert": `URI=spiffe://cluster.local/ns/${VICTIMS}/sa/victim` },
      },
      { logName: `fenceline/${VICTIMS}/victim`, metadata: { "x-forwarded-client-cert": "x" } },
    ]) {
      await unfenced.app.sendAccessLogs({ target, entries: [TO_SECRET], ...call });
    }
    await teachesNothing(scene);
  });
  await report.step("T-01 nobody may report as the fallback", async () => {
    const report = { target, logName: "fenceline-fallback", entries: [{ authority: SECRET, fenceSource: `${VICTIMS}/victim` }] };
    for (const metadata of [{}, { authorization: "Bearer x" }]) {
      assert.ok(UNAUTHENTICATED.includes((await unfenced.app.sendAccessLogs({ ...report, metadata })).status));
    }
    await teachesNothing(scene);
  });
  await report.step(
    "T-03 a call through the fallback in another's name is forwarded or refused, and teaches that other nothing",
    async () => {
      await relay(scene, unfenced, SECRET, {
        "fence-source": `${VICTIMS}/victim`,
        "x-forwarded-client-cert": `x,URI=spiffe://cluster.local/ns/${VICTIMS}/sa/victim`,
      });
      await teachesNothing(scene);
    },
  );
}

/** T-01, T-02, T-05: what the global sidecar forwards to. */
async function forwarding(scene: Scene, report: Report): Promise<void> {
  const { lab, fenced, fenceline, secret } = scene;
  await report.step("T-01 no name and no address of Fenceline's own is reached through the fallback", async () => {
    const addresses = [...fenceline.collectors, ...fenceline.globalSidecars].map(({ pod }) => pod.address);
    const service = (await lab.kubernetes.get({
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: NAMESPACE, name: "fenceline-collector" },
    })) as KubernetesObject & { spec: { clusterIP: string } };
    const hosts = [COLLECTOR, `${COLLECTOR}.svc`, `${COLLECTOR.toUpperCase()}.svc.cluster.local.`, service.spec.clusterIP, ...addresses];
    for (const host of hosts) {
      for (const port of [18_081, 18_082, 18_083, 15_020]) await isRefused(scene, `${host}:${port}`);
    }
  });
  await report.step("T-01 nor by a name in the attacker's namespace that stands for one of them", async () => {
    await lab.kubernetes.apply(aliasOf(`${COLLECTOR}.svc.cluster.local`));
    await isRefused(scene, `alias.${ATTACKERS}:18082`);
  });
  await report.step("T-05 neither the API server nor a port that no Service declares is reached through the fallback", async () => {
    const { host, port } = lab.controlPlane.apiServer.connection;
    await isRefused(scene, `${host}:${port}`);
    // Open in the lab only; elsewhere it might be a debugger.
    await isRefused(scene, `${secret.pod.address}:15000`);
  });
  await report.step("T-05 a port that a Service declares is", async () => {
    assert.equal((await callAs(fenced, `secret.${VICTIMS}`)).status, 200);
  });
  await report.step("T-05 a caller who has no fence, and says that it has, is not taken out of the mesh", async () => {
    const { status } = await relay(scene, scene.unfenced, "93.184.216.34", { "fence-source": `${VICTIMS}/victim` });
    assert.equal(status, REFUSED);
  });
  await report.step("T-05 where MeshConfig says REGISTRY_ONLY, a caller that passes its own Envoy's route by is held, too", () =>
    registryOnly(scene),
  );
}

/**
 * The right to read MeshConfig is the chart's Role; whoever passes the route by leaves its header
 * out.
 */
async function registryOnly(scene: Scene): Promise<void> {
  const { lab, fenced, unfenced } = scene;
  // No Service selects this pod, so to Istio it is any address. It takes no plaintext: a call that
  // is forwarded fails there, and is not refused here.
  const outside = `${fenced.pod.address}:8080`;
  const isHeld = async () => {
    const { body } = await relay(scene, unfenced, outside, { "fence-source": `${ATTACKERS}/fenced` });
    return JSON.stringify(body).includes("the caller's outboundTrafficPolicy is REGISTRY_ONLY");
  };
  assert.equal(await isHeld(), false);
  await lab.kubernetes.apply(meshConfig("REGISTRY_ONLY"));
  try {
    await lab.until("the global sidecar to hold the caller", isHeld);
  } finally {
    await lab.kubernetes.apply(meshConfig());
  }
  await lab.until("the global sidecar to let the caller go", async () => !(await isHeld()));
}

/** T-07: what a right to make fences opens. */
async function fences({ lab }: Scene, report: Report): Promise<void> {
  for (const [sentence, namespace] of [
    ["T-07 a fence in Istio's root namespace is refused, and no EnvoyFilter comes of it", "istio-system"],
    ["T-07 a fence in Fenceline's own namespace is refused, and its parts keep their sight", NAMESPACE],
  ] as const) {
    await report.step(sentence, async () => {
      const metadata = { namespace, name: "global-sidecar-of-an-attacker" };
      const fence = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata };
      await lab.kubernetes.apply({ ...fence, spec: { enable: true, workloadSelector: { labels: { app: "global-sidecar" } } } });
      await lab.until("a condition that says so", async () => {
        const { conditions = [] } = (await readFence(lab, namespace, metadata.name))?.status ?? {};
        return conditions.some(({ type, status }) => type === "Ready" && status === "False");
      });
      for (const [apiVersion, kind] of [
        ["networking.istio.io/v1alpha3", "EnvoyFilter"],
        ["networking.istio.io/v1", "Sidecar"],
      ] as const) {
        assert.equal(await lab.kubernetes.get({ apiVersion, kind, metadata }), undefined);
      }
      await lab.kubernetes.delete(fence);
    });
  }
}

/** Both fenced workloads stream their access logs all the time, to one collector or another. */
async function connectionPerClient({ lab, victim, fenced, fenceline }: Scene): Promise<void> {
  for (const { pod } of fenceline.collectors) {
    const clusters = await pod.envoy.configDump("?resource=dynamic_active_clusters");
    const inbound = clusters.map(({ cluster }) => cluster as { name: string; connection_pool_per_downstream_connection?: boolean });
    const own = inbound.filter(({ connection_pool_per_downstream_connection: isOwn }) => isOwn).map(({ name }) => name);
    assert.deepEqual(own, ["inbound|18081||"]);
  }
  const open = async () => {
    const counts = await Promise.all(fenceline.collectors.map(({ pod }) => pod.envoy.connections("inbound|18081||")));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  await lab.until("a connection for each client", async () => {
    for (const caller of [victim, fenced]) await callAs(caller, `secret.${VICTIMS}`);
    return (await open()) >= 2;
  });
}

/**
 * What was sent has been judged when what is sent after it has been: an honest edge of the
 * attacker's own fence.
 */
async function teachesNothing({ lab, victim, fenced, collectors }: Scene): Promise<void> {
  const judged = async () => (await Promise.all(collectors.map((collector) => collector.entries()))).reduce((sum, count) => sum + count, 0);
  const before = await judged();
  await lab.until("the collectors to have judged more entries", async () => {
    await callAs(fenced, `secret.${VICTIMS}`);
    return (await judged()) > before;
  });
  assert.deepEqual(await learnedHosts(lab, VICTIMS, "victim"), [], `${victim.identity} was taught`);
}

async function isRefused({ fenced }: Scene, host: string): Promise<void> {
  const { status, headers } = await callAs(fenced, host);
  assert.deepEqual([status, headers["fenceline-error"] !== undefined], [REFUSED, true], `${host} was not refused by the global sidecar`);
}

function aliasOf(externalName: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: ATTACKERS, name: "alias" },
    spec: { type: "ExternalName", externalName, ports: [{ name: "http", port: 18_082 }] },
  } as KubernetesObject;
}
