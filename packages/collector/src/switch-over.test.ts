import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, OWNER, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { openStream } from "./testing/access-log-stream.ts";
import { startCluster, startReplica } from "./testing/cluster.ts";
import { CONFIG } from "./testing/mesh.ts";
import { send } from "./testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const B = "b.test1.svc.cluster.local";
const DB = "db.test1.svc.cluster.local";
const EGRESS = { b: `test1/${B}`, db: `test1/${DB}` };

const withPause = (pause: string, more: object = {}) => ({
  ...CONFIG,
  ...more,
  switchOver: { shortestPause: pause, longestPause: pause, unobservedPause: pause },
});
/** A step that is not over before the test is. */
const LONG = withPause("10m");
const SHORT = withPause("50ms");

const service = (name: string, port: object) => ({
  metadata: { namespace: "test1", name },
  spec: { clusterIP: "10.0.0.7", selector: { app: name }, ports: [port] },
});

function sidecarOf(server: FakeApiServer) {
  const object = server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined;
  return object && { shown: sidecarHosts(object), parked: parkedHosts(object) };
}

/** Writes the fence's spec as a person would. */
function write(server: FakeApiServer, spec: object): void {
  server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: true, ...spec } });
}

const names = (...hosts: readonly string[]) => ({ tcp: "learn", host: Object.fromEntries(hosts.map((host) => [host, { stable: {} }])) });

/** A fence in force that names these hosts. */
async function enforced(t: TestContext, hosts: readonly string[], config = SHORT) {
  const cluster = await startCluster(
    t,
    (server) => {
      server.put(SERVICES, service("b", { name: "http", port: 80 }));
      server.put(SERVICES, service("db", { name: "tcp", port: 5432 }));
      server.put(FENCES, fence({ spec: { enable: true, ...names(...hosts) } }));
    },
    true,
    config,
  );
  const { server, collector } = cluster;
  await until(() => sidecarOf(server)?.parked.length === 0);
  await collector.idle();
  return { ...cluster, writes: writesSince(server) };
}

/** Writes of Sidecars from now on. */
function writesSince(server: FakeApiServer): () => number {
  const before = server.count("PATCH", SIDECARS);
  return () => server.count("PATCH", SIDECARS) - before;
}

test("hosts that leave a fence are parked together and then go, in two writes", async (t) => {
  const { server, writes, metrics } = await enforced(t, [B, DB]);
  const seen: (readonly string[])[] = [];
  write(server, names());
  await until(() => {
    const { shown = [], parked = [] } = sidecarOf(server) ?? {};
    seen.push(parked);
    return !shown.includes(EGRESS.b) && parked.length === 0;
  });
  assert.ok(
    seen.some((parked) => parked.join() === [EGRESS.b, EGRESS.db].join()),
    `${seen}`,
  );
  assert.equal(writes(), 2);
  assert.match(await metrics(), /^fenceline_switch_over_pause_seconds 0\.05$/m);
});

test("how long a push took is told by the calls to a host that a Sidecar has begun to show", async (t) => {
  const { server, collector, metrics } = await enforced(t, []);
  const pushes = async () => Number(/^fenceline_sidecar_push_seconds_count (\d+)$/m.exec(await metrics())?.[1]);
  const { call } = openStream(t, collector);
  assert.equal(await pushes(), 0);
  await until(() => {
    call();
    return sidecarOf(server)?.shown.includes(EGRESS.b) === true;
  });
  await until(async () => {
    call();
    return (await pushes()) > 0;
  });
  assert.equal(await pushes(), 1);
});

test("a host comes in two writes, in one where its calls wait in the Envoy, and none follows", async (t) => {
  const { server, writes, collector } = await enforced(t, [], withPause("50ms", { onDemand: "always" }));
  write(server, names(B));
  await until(() => sidecarOf(server)?.shown.includes(EGRESS.b) === true);
  await collector.idle();
  assert.equal(writes(), 1);
  write(server, names(B, DB));
  await until(() => sidecarOf(server)?.shown.includes(EGRESS.db) === true);
  await collector.idle();
  assert.deepEqual([writes(), sidecarOf(server)?.parked], [3, []]);
});

test("a leader that dies between the steps leaves parked hosts to the next one, which knows the way each of them goes", async (t) => {
  const { server, store, collector, leadership } = await enforced(t, [B], SHORT);
  leadership.leads = false;
  await collector.idle();
  const dying = await startReplica(t, server, true, LONG);
  write(server, names(DB));
  // What comes and what goes is parked, and stays so.
  await until(() => sidecarOf(server)?.parked.length === 2);
  dying.leadership.leads = false;
  // A leader that has not heard of it would try to write the same, and meet a conflict.
  await until(() => store.ownedBy(OWNER).flatMap(parkedHosts).length === 2);
  const writes = writesSince(server);
  leadership.leads = true;
  collector.lead();
  await until(() => sidecarOf(server)?.parked.length === 0);
  const { shown = [] } = sidecarOf(server) ?? {};
  assert.deepEqual([shown.includes(EGRESS.db), shown.includes(EGRESS.b), writes()], [true, false, 1]);
});

test("a host that is wanted again while it is parked comes straight back", async (t) => {
  const { server, collector, leadership, writes } = await enforced(t, [DB], SHORT);
  leadership.leads = false;
  await collector.idle();
  await startReplica(t, server, true, LONG);
  write(server, names());
  await until(() => sidecarOf(server)?.parked.includes(EGRESS.db) === true);
  write(server, names(DB));
  await until(() => sidecarOf(server)?.parked.length === 0);
  assert.deepEqual([sidecarOf(server)?.shown.includes(EGRESS.db), writes()], [true, 2]);
});

test("without a leader a replica brings a host in by both steps, and takes nothing out of the parked ones", async (t) => {
  const { server, store, collector, leadership } = await enforced(t, [B], SHORT);
  leadership.leads = false;
  await collector.idle();
  const dying = await startReplica(t, server, true, LONG);
  write(server, names());
  await until(() => store.ownedBy(OWNER).flatMap(parkedHosts).includes(EGRESS.b));
  dying.leadership.leads = false;
  // Else it follows too, and does the same at the same time.
  await dying.collector.close();
  const writes = writesSince(server);
  await send(collector.accessLogPort, [
    encodeAccessLogMessage({
      identifier: { logName: "fenceline/test1/a", node: { id: "x" } },
      entries: [{ upstreamCluster: `outbound|5432||${DB}`, responseCode: 200 }],
    }),
  ]);
  await until(() => sidecarOf(server)?.parked.includes(EGRESS.db) === true);
  assert.equal(sidecarOf(server)?.shown.includes(EGRESS.db), false);
  await until(() => sidecarOf(server)?.shown.includes(EGRESS.db) === true);
  await collector.idle();
  assert.deepEqual([sidecarOf(server)?.parked, writes()], [[EGRESS.b, EGRESS.db], 2]);
});

test("a fence that is switched off shows everything first: its Sidecar goes in the second step, its EnvoyFilter in the third", async (t) => {
  const { server } = await enforced(t, [B]);
  const isOurs = ({ method, path }: RecordedRequest) => method !== "GET" && /\/(sidecars|envoyfilters)\//.test(path);
  const before = server.requests.filter(isOurs).length;
  write(server, { ...names(B), mode: "Off" });
  await until(() => server.get(ENVOY_FILTERS, FENCE) === undefined);
  const made = server.requests.filter(isOurs).slice(before);
  assert.deepEqual(
    made.map(({ method, path }) => `${method} ${path.split("/").at(-2)}`),
    ["PATCH sidecars", "DELETE sidecars", "DELETE envoyfilters"],
  );
  const { spec } = (made[0]?.body ?? {}) as Partial<Sidecar>;
  assert.deepEqual(
    spec?.egress.map(({ hosts }) => hosts.filter((host) => host === "*/*" || host === EGRESS.b)),
    [["*/*"], [EGRESS.b]],
  );
});

test("a fence that is switched off says that it is enforced until its Sidecar has gone", async (t) => {
  const { server, collector, leadership, condition } = await enforced(t, [B], SHORT);
  leadership.leads = false;
  await collector.idle();
  const dying = await startReplica(t, server, true, LONG);
  write(server, { ...names(B), mode: "Off" });
  await until(() => condition("Enforced") === "True SidecarRemains");
  assert.notEqual(sidecarOf(server), undefined);
  dying.leadership.leads = false;
  leadership.leads = true;
  collector.lead();
  await until(() => condition("Enforced") === "False ModeOff");
  assert.equal(sidecarOf(server), undefined);
});

test("nothing is written while nothing changes, also by a leader that has just begun", async (t) => {
  const { server, collector, writes } = await enforced(t, [B, DB]);
  collector.lead();
  await collector.idle();
  assert.equal(writes(), 0);
  assert.deepEqual(sidecarOf(server)?.parked, []);
});
