/**
 * What other people configured for a mesh holds for a fenced workload as it does without a fence:
 * VirtualServices of every namespace before, during and after a host is learned, and ServiceEntries
 * from the first call on.
 */
import assert from "node:assert/strict";
import { type Sidecar, sidecarHosts as shownHosts } from "@fenceline/api";
import { FALLBACK_IDENTITY, Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Echo } from "../../pod-app/protocol.ts";
import { applyFence, untilDirect, untilFenced } from "../mesh/fence.ts";
import { untilMeshKnows } from "../mesh/routes.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { CALLEE, CALLER, ENTRY_ADDRESS, entriesFor, hostOf, ROOT, ROUTED, ROUTED_ONLY, routeTo, THIRD, TIMEOUT } from "./objects.ts";

/**
 * Calls to one host among which both halves of a split are seen, except for one time in a billion.
 */
const CALLS = 32;

export const meshObjects: Suite = { name: "mesh-objects", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  for (const namespace of [CALLER, CALLEE, THIRD]) await lab.namespace(namespace);
  try {
    await withObjects(lab, report, fenceline);
  } finally {
    // The root namespace is not ours to remove.
    for (const route of ROUTED) if (route.namespace === ROOT) await lab.kubernetes.delete(routeTo(route));
  }
}

async function withObjects(lab: Lab, report: Report, fenceline: Fenceline): Promise<void> {
  const a = await report.step("callees, a canary, a server outside of the mesh, their objects and a caller start", () =>
    startPods(lab, fenceline),
  );
  await report.step("without a fence every VirtualService is in force", async () => {
    for (const route of ROUTED) {
      await assertRouted(a, route, a.identity);
      await assertPolicy(a, route);
    }
  });
  await report.step("a fence without hosts reaches the caller's Envoy", async () => {
    await applyFence(lab, CALLER, "a");
    await untilFenced(lab, a);
  });
  await report.step("what ServiceEntries have is reached at once: an exact host, a wildcard, and TCP", () => assertEntries(a));
  await report.step("so is a host that only a VirtualService has", async () => {
    const { body } = await a.app.echo(withHost("shop.example"));
    assert.deepEqual([body.pod, body.peer], [`${CALLEE}/canary`, a.identity]);
  });
  for (const route of ROUTED) {
    await report.step(`the first calls to ${route.name}, whose VirtualService is in ${route.namespace}, take its route`, async () => {
      const { body } = await a.app.echo(`http://${hostOf(route.name)}/`);
      assert.equal(body.peer, FALLBACK_IDENTITY, `${route.name} was not cold`);
      assertRoute(body, route.namespace);
    });
    await report.step("so does each while it is learned, and each that is direct, with timeout, retries and split", async () => {
      await untilDirect(lab, a, `http://${hostOf(route.name)}/`);
      await assertRouted(a, route, a.identity);
      await assertPolicy(a, route);
    });
  }
  await report.step("ServiceEntries are reached as before", () => assertEntries(a));
  await report.step("the Sidecar has no wildcard but that of the ServiceEntry", async () => {
    const exact = async () => (await wildcards(lab)).join() === `${THIRD}/*.cdn.example`;
    await lab.until("the hosts that leave to be gone", exact);
  });
}

async function startPods(lab: Lab, fenceline: Fenceline): Promise<Workload> {
  const names = ROUTED.map(({ name }) => name);
  await applyServices(lab, CALLEE, names, "b");
  await applyServices(lab, CALLEE, ["canary"], "canary");
  const [outside] = await Promise.all([
    startWorkload(lab, THIRD, "outside", { http: [8_080], greet: [9_000] }, { proxy: false }),
    startWorkload(lab, CALLEE, "b", { http: [8_080] }),
    startWorkload(lab, CALLEE, "canary", { http: [8_080] }),
  ]);
  const objects = [...ROUTED.map(routeTo), ROUTED_ONLY, ...entriesFor(outside.pod.address)];
  for (const object of objects) await lab.kubernetes.apply(object);
  const a = await startWorkload(lab, CALLER, "a");
  await untilMeshKnows(lab, fenceline, [...names, "canary"].map(hostOf));
  return a;
}

/** Calls until both halves of the split have answered; each call takes the route. */
async function assertRouted({ app }: Workload, { name, namespace }: (typeof ROUTED)[number], peer: string): Promise<void> {
  const pods = new Set<string>();
  for (let call = 0; call < CALLS; call += 1) {
    const { body } = await app.echo(`http://${hostOf(name)}/`);
    assert.equal(body.peer, peer);
    assertRoute(body, namespace);
    pods.add(body.pod);
  }
  assert.deepEqual([...pods].sort(), [`${CALLEE}/b`, `${CALLEE}/canary`]);
}

function assertRoute({ headers }: Echo, namespace: string): void {
  assert.equal(headers["x-route-of"], namespace);
}

/** Envoy has timeout and retries in its route; a call that succeeds tells of neither. */
async function assertPolicy({ pod }: Workload, { name, retries }: (typeof ROUTED)[number]): Promise<void> {
  const tables = await pod.envoy.routeTables("80");
  const found = tables.flatMap(({ virtualHosts }) => virtualHosts).find(({ domains }) => domains.includes(hostOf(name)));
  const route = JSON.stringify(found?.routes);
  assert.match(route, new RegExp(`"timeout":"${TIMEOUT / 1_000}s"`), name);
  assert.match(route, new RegExp(`"num_retries":${retries}\\b`), name);
}

async function assertEntries({ app }: Workload): Promise<void> {
  for (const host of ["api.partner.example", "img.cdn.example"]) {
    const { body } = await app.echo(withHost(host));
    assert.equal(body.pod, `${THIRD}/outside`, host);
  }
  await app.connect({ host: ENTRY_ADDRESS, port: 9_000, expect: `hello from ${THIRD}/outside` });
}

/** No DNS here knows these hosts: any address will do, since the route goes by the host alone. */
function withHost(host: string) {
  return { url: `http://${ENTRY_ADDRESS}/`, headers: { host } };
}

/** Hosts of the fence's Sidecar that stand for several. */
async function wildcards(lab: Lab): Promise<readonly string[]> {
  const metadata = { namespace: CALLER, name: "a" };
  const sidecar = await lab.kubernetes.get({ apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar", metadata });
  if (sidecar === undefined) return [];
  const { egress } = (sidecar as unknown as Sidecar).spec;
  assert.ok(egress.length > 0 && shownHosts(sidecar as unknown as Sidecar).length > 0);
  return [...new Set(egress.flatMap(({ hosts }) => hosts))].filter((host) => host.includes("*"));
}
