import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { KubernetesApi } from "@fenceline/kubernetes";
import { KubeConfig } from "@kubernetes/client-node";
import { pino } from "pino";
import { undoAfter } from "../../testing/undo.ts";
import { withdraw } from "./withdraw.ts";

const LEASE = "/apis/coordination.k8s.io/v1/namespaces/fenceline/leases/fenceline-collector";
const SIDECARS = "/apis/networking.istio.io/v1beta1/sidecars";
const FILTERS = "/apis/networking.istio.io/v1alpha3/envoyfilters";
const object = (namespace: string, name: string) => ({ metadata: { namespace, name } });
const sidecar = (namespace: string, name: string, hosts: readonly string[]) => ({
  ...object(namespace, name),
  spec: { workloadSelector: { labels: { app: name } }, egress: [{ hosts }] },
});
const lease = (holderIdentity: string, resourceVersion = "1", leaseDurationSeconds = 0.05) => ({
  metadata: { resourceVersion },
  spec: { holderIdentity, leaseDurationSeconds },
});

interface Item {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly finalizers?: readonly string[] };
}

/**
 * An API server that answers GETs from a table and keeps what it is asked. What is not in the table
 * is absent.
 */
async function setUp(t: TestContext, answers: Readonly<Record<string, (() => unknown) | undefined>>, settle = 1) {
  const asked: string[] = [];
  const askedAt: number[] = [];
  const bodies: string[] = [];
  const withoutDeleted = (path: string, answer: unknown) => {
    const { items } = (answer ?? {}) as { readonly items?: readonly Item[] };
    const plural = path.split("/").at(-1);
    const isDeleted = ({ metadata: { namespace, name, finalizers = [] } }: Item) =>
      finalizers.length === 0 && asked.some((line) => line.startsWith("DELETE") && line.endsWith(`/${namespace}/${plural}/${name}`));
    return items === undefined ? answer : { items: items.filter((item) => !isDeleted(item)) };
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    asked.push(`${request.method} ${decodeURIComponent(path)}`);
    askedAt.push(performance.now());
    bodies.push(await text(request));
    const [table = ""] = path.split("?", 1);
    const answer = request.method === "GET" ? withoutDeleted(table, answers[table]?.()) : {};
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { kind: "Status", code: 404 }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  undoAfter(t)(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true },
    { name: "u" },
  );
  const options = {
    api: new KubernetesApi(() => config),
    namespace: "fenceline",
    logger: pino({ level: "silent" }),
    settle,
    timeout: 200,
    interval: 5,
  };
  return { asked, askedAt, bodies, run: () => withdraw(options) };
}

test("the collector is stopped first, then Sidecars go, then EnvoyFilters, and only ours are asked for", async (t) => {
  const { asked, run } = await setUp(t, {
    [LEASE]: () => lease(""),
    [SIDECARS]: () => ({ items: [object("test1", "a"), object("test2", "b")] }),
    [FILTERS]: () => ({ items: [object("test1", "a")] }),
  });
  await run();
  assert.deepEqual(asked, [
    "PATCH /apis/apps/v1/namespaces/fenceline/deployments/fenceline-collector/scale",
    `GET ${LEASE}`,
    `GET ${SIDECARS}?labelSelector=app.kubernetes.io/managed-by=fenceline`,
    "DELETE /apis/networking.istio.io/v1beta1/namespaces/test1/sidecars/a",
    "DELETE /apis/networking.istio.io/v1beta1/namespaces/test2/sidecars/b",
    `GET ${SIDECARS}?labelSelector=app.kubernetes.io/managed-by=fenceline`,
    `GET ${FILTERS}?labelSelector=app.kubernetes.io/managed-by=fenceline`,
    "DELETE /apis/networking.istio.io/v1alpha3/namespaces/test1/envoyfilters/a",
    `GET ${FILTERS}?labelSelector=app.kubernetes.io/managed-by=fenceline`,
    // What stays says so: tell-withdrawn.test.ts.
    "GET /apis/microservice.slime.io/v1alpha1/servicefences?limit=50",
    "GET /apis/microservice.netease.com/v1alpha1/servicefences?limit=50",
    "GET /apis/microservice.slime.io/v1alpha2/smartlimiters?limit=50",
  ]);
});

test("the rest of the mesh is parked in a Sidecar before it goes, so that no route comes before its cluster", async (t) => {
  const { asked, bodies, run } = await setUp(t, {
    [LEASE]: () => lease(""),
    [SIDECARS]: () => ({ items: [sidecar("test1", "a", ["test1/b.test1"])] }),
  });
  await run();
  const path = "/apis/networking.istio.io/v1beta1/namespaces/test1/sidecars/a";
  const [patched, deleted] = ["PATCH", "DELETE"].map((method) => asked.indexOf(`${method} ${path}`)) as [number, number];
  assert.ok(patched >= 0 && patched < deleted, `${asked}`);
  const { spec } = JSON.parse(bodies[patched] ?? "");
  assert.deepEqual(
    spec.egress.map(({ hosts }: { hosts: string[] }) => hosts),
    [["*/*"], ["test1/b.test1"]],
  );
  assert.equal(spec.egress[0].bind, "unix://@fenceline-parked");
});

test("Envoys have time to settle after a Sidecar was widened, and after it went", async (t) => {
  const settle = 150;
  const answers = {
    [LEASE]: () => lease(""),
    [SIDECARS]: () => ({ items: [sidecar("test1", "a", ["test1/b.test1"])] }),
    [FILTERS]: () => ({ items: [object("test1", "a")] }),
  };
  const { asked, askedAt, run } = await setUp(t, answers, settle);
  await run();
  const timeOf = (line: RegExp) => askedAt[asked.findIndex((each) => line.test(each))] ?? Number.NaN;
  const [widened, gone, unrouted] = [/^PATCH .*\/sidecars\/a$/, /^DELETE .*\/sidecars\/a$/, /^DELETE .*\/envoyfilters\/a$/].map(timeOf) as [
    number,
    number,
    number,
  ];
  // A timer may be a millisecond early.
  assert.ok(gone - widened >= settle - 1, `${gone - widened} ms`);
  assert.ok(unrouted - gone >= settle - 1, `${unrouted - gone} ms`);
});

test("T-15 while finalizers of others hold a Sidecar up, which still hides hosts, the way to these stays, and nobody is told that it is gone", async (t) => {
  const held = { ...sidecar("test1", "a", []), metadata: { namespace: "test1", name: "a", finalizers: ["example.com/audit"] } };
  const { asked, run } = await setUp(t, {
    [LEASE]: () => lease(""),
    [SIDECARS]: () => ({ items: [held, object("test2", "b")] }),
    [FILTERS]: () => ({ items: [object("test1", "a")] }),
  });
  await assert.rejects(run(), { code: "REMOVAL_HELD_UP", message: /Sidecar test1\/a \(example\.com\/audit\)/ });
  assert.ok(asked.some((line) => line.startsWith("DELETE") && line.endsWith("/sidecars/b")));
  assert.ok(
    !asked.some((line) => line.includes("servicefences") || (line.startsWith("DELETE") && line.includes("envoyfilters"))),
    `${asked}`,
  );
});

test("nothing is deleted while the collector renews its Lease, and the error says what to do", async (t) => {
  let version = 0;
  const { asked, run } = await setUp(t, {
    [LEASE]: () => {
      version += 1;
      return lease("pod-1", String(version), 15);
    },
  });
  await assert.rejects(run(), { code: "COLLECTOR_STILL_LEADS" });
  assert.ok(!asked.some((line) => line.startsWith("DELETE")));
});

test("a Lease that its holder has stopped to renew is waited for, and is free then", async (t) => {
  const { asked, run } = await setUp(t, { [LEASE]: () => lease("dead") });
  await run();
  assert.ok(asked.filter((line) => line === `GET ${LEASE}`).length > 1);
});

test("where nothing is left, or Istio is gone, it ends well: it may be run again", async (t) => {
  const { run } = await setUp(t, {});
  await run();
});
