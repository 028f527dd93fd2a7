import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { parkedHosts, RESET_ANNOTATION, type ServiceFenceStatus, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster, startReplica } from "../testing/cluster.ts";
import { CAPTURED_MESH, CONFIG } from "../testing/mesh.ts";
import { API_TOKEN, send, startCollector } from "../testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [B, C, D] = ["b", "c", "d"].map((name) => `${name}.test1.svc.cluster.local`) as [string, string, string];
const QUICK = { ...CONFIG, onDemand: "always" as const };

const service = (name: string) => ({
  metadata: { namespace: "test1", name },
  spec: { clusterIP: "10.0.0.7", selector: { app: name }, ports: [{ name: "http", port: 80 }] },
});

/** A message of a's own proxy that reports calls to these hosts. */
function calls(...hosts: readonly string[]): Buffer {
  const entries = hosts.map((host) => ({ authority: host, upstreamCluster: `outbound|80||${host}`, responseCode: 200, requests: 1 }));
  return encodeAccessLogMessage({ identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } }, entries });
}

const sidecar = (server: FakeApiServer) => [(server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined) ?? []].flat();
const names = (hosts: readonly string[]) => hosts.map((host) => host.split("/").at(-1)).filter((host) => host?.includes(".test1."));
const shown = (server: FakeApiServer) => names(sidecar(server).flatMap(sidecarHosts));
const parked = (server: FakeApiServer) => names(sidecar(server).flatMap(parkedHosts));
const status = (server: FakeApiServer) => server.get(FENCES, FENCE)?.status as ServiceFenceStatus | undefined;
const domains = (server: FakeApiServer) => Object.keys(status(server)?.domains ?? {}).sort();

function annotate(server: FakeApiServer, value: string): void {
  const object = server.get(FENCES, FENCE);
  server.put(FENCES, { ...object, metadata: { ...FENCE, ...object?.metadata, annotations: { [RESET_ANNOTATION]: value } } });
}

/** A fence with the static host `d` that has learned `b` and `c`, and called `d`. */
async function learned(t: TestContext) {
  const cluster = await startCluster(
    t,
    (server) => {
      for (const name of ["b", "c", "d"]) server.put(SERVICES, service(name));
      server.put(FENCES, { ...fence(), spec: { enable: true, host: { d: { stable: {} } } } });
    },
    true,
    QUICK,
  );
  const { server, collector } = cluster;
  await send(collector.accessLogPort, [calls(B, C, D)]);
  await until(() => shown(server).join() === [B, C, D].join() && domains(server).join() === [B, C, D].join());
  await collector.idle();
  return cluster;
}

test("row 50: with a new value of the annotation all that was learned leaves in two steps, once; static hosts stay, and what is called again is learned again", async (t) => {
  const { server, collector, lines } = await learned(t);
  const seen: string[] = [];
  annotate(server, "one");
  await until(() => {
    seen.push(parked(server).join());
    return shown(server).join() === D && parked(server).length === 0 && domains(server).join() === D;
  });
  assert.ok(seen.includes([B, C].join()), `${seen}`);
  assert.equal(status(server)?.reset, "one");
  const told = lines.filter(({ msg }) => msg === "fence was reset, what it had learned is forgotten");
  assert.deepEqual(
    told.map(({ fence: of, reset, hosts, detail }) => [of, reset, hosts, detail]),
    [["test1/a", "one", 2, `${B}, ${C}`]],
  );
  await send(collector.accessLogPort, [calls(B)]);
  await until(() => shown(server).join() === [B, D].join() && domains(server).join() === [B, D].join());
  annotate(server, "one");
  await send(collector.accessLogPort, [calls(C)]);
  await until(() => domains(server).join() === [B, C, D].join());
  await collector.idle();
  assert.deepEqual(shown(server), [B, C, D]);
});

test("row 50: hosts behind the value are forgotten alone", async (t) => {
  const { server, collector } = await learned(t);
  annotate(server, "two c, d.test1");
  await until(() => shown(server).join() === [B, D].join() && domains(server).join() === [B, D].join());
  await collector.idle();
  assert.equal(status(server)?.reset, "two c, d.test1");
});

test("row 50: a leader that comes after a reset does not do it again, and does one that nobody has done yet", async (t) => {
  const { server, collector, leadership } = await learned(t);
  annotate(server, "one");
  await until(() => domains(server).join() === D && shown(server).join() === D);
  await send(collector.accessLogPort, [calls(B)]);
  await until(() => domains(server).join() === [B, D].join());
  await collector.idle();
  leadership.leads = false;
  const next = await startReplica(t, server, true, QUICK);
  await next.collector.idle();
  assert.deepEqual(
    [shown(server), domains(server)],
    [
      [B, D],
      [B, D],
    ],
  );
  next.leadership.leads = false;
  annotate(server, "two");
  await next.collector.idle();
  assert.deepEqual([shown(server), status(server)?.reset], [[B, D], "one"]);
  const last = await startReplica(t, server, true, QUICK);
  await until(() => shown(server).join() === D && domains(server).join() === D && status(server)?.reset === "two");
  await last.collector.idle();
});

test("row 50: a replica that forgot as well, and then leads, has the status say so", async (t) => {
  const { server, collector, leadership } = await learned(t);
  leadership.leads = false;
  annotate(server, "one");
  await collector.idle();
  assert.equal(status(server)?.reset, undefined);
  leadership.leads = true;
  collector.lead();
  await until(() => shown(server).join() === D && domains(server).join() === D && status(server)?.reset === "one");
});

test("row 50: in a folder the annotation of the manifest does the same, once over restarts, and a warm-up of a new fence is not forgotten with it", async (t) => {
  const annotated = (value: string) =>
    CAPTURED_MESH.replace("{name: a, namespace: test1}", `{name: a, namespace: test1, annotations: {${RESET_ANNOTATION}: "${value}"}}`);
  const warm = annotated("one").replace("{enable: true}", "{enable: true, warmUp: {preload: [web.shop]}}");
  const running = await startCollector(t, warm);
  const file = "rendered/test1/Sidecar-a.yaml";
  assert.match(running.read(file), /web\.shop/);
  await running.send([calls(B)]);
  await running.collector.idle();
  const again = await running.restart();
  assert.match(again.read(file), new RegExp(`- test1/${B}\n`));
  again.write("mesh.yaml", annotated("two"));
  await until(() => !again.read(file).includes(B));
  await again.collector.idle();
  assert.doesNotMatch(again.read(file), /web\.shop/);
  assert.match(again.read("state/test1/ServiceFence-a.yaml"), /reset: two/);
});

/** The fence, as the API names it. */
const A = { namespace: "test1", name: "a" };

test("row 50: the API of a replica that does not lead has the leader forget one host, then all, and static hosts stay", async (t) => {
  const { server, lines } = await learned(t);
  const follower = await startReplica(t, server, false, QUICK);
  const { resets: resetSource } = follower.collector.api;
  assert.deepEqual(resetSource.fencesIn("test1"), [A]);
  assert.equal(resetSource.reset(A, "c.test1"), true);
  await until(() => shown(server).join() === [B, D].join() && domains(server).join() === [B, D].join());
  assert.match(status(server)?.resetAsked ?? "", /^\d{4}-\S+Z c\.test1$/);
  await until(() => status(server)?.resetAnswered === status(server)?.resetAsked);
  resetSource.reset(A, undefined);
  await until(() => shown(server).join() === D && domains(server).join() === D);
  await until(() => status(server)?.resetAnswered === status(server)?.resetAsked);
  await follower.collector.idle();
  const told = [...lines, ...follower.lines].filter(({ msg }) => msg === "fence was reset, what it had learned is forgotten");
  assert.deepEqual(
    told.map(({ hosts }) => hosts),
    [1, 1],
  );
});

test("row 50: what the API was asked for while nobody led is done by the next leader, all of it and once", async (t) => {
  const { server, leadership } = await learned(t);
  leadership.leads = false;
  const follower = await startReplica(t, server, false, QUICK);
  follower.collector.api.resets.reset(A, "b");
  await until(() => status(server)?.resetAsked?.endsWith(" b") === true);
  follower.collector.api.resets.reset(A, C);
  await until(() => status(server)?.resetAsked?.endsWith(` b ${C}`) === true);
  await follower.collector.idle();
  assert.deepEqual([domains(server), status(server)?.resetAnswered], [[B, C, D], undefined]);
  const next = await startReplica(t, server, true, QUICK);
  await until(() => shown(server).join() === D && domains(server).join() === D);
  await until(() => status(server)?.resetAnswered === status(server)?.resetAsked);
  await send(next.collector.accessLogPort, [calls(B)]);
  await until(() => domains(server).join() === [B, D].join());
  await next.collector.idle();
  next.leadership.leads = false;
  const last = await startReplica(t, server, true, QUICK);
  await last.collector.idle();
  assert.deepEqual(
    [shown(server), domains(server)],
    [
      [B, D],
      [B, D],
    ],
  );
});

test("row 50: standalone, the API forgets with its token, says what it did, and says what is wrong with a call", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  const file = "rendered/test1/Sidecar-a.yaml";
  const learn = async () => {
    await running.send([calls(B)]);
    await running.collector.idle();
    assert.match(running.read(file), new RegExp(`- test1/${B}\n`));
  };
  const ask = async (query: string, token = API_TOKEN) => {
    const { status, body } = await running.request(`/api/v1/reset?${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    return [status, JSON.parse(body)] as const;
  };
  await learn();
  for (const [query, code] of [
    ["", "400 PARAMETER_INVALID"],
    ["namespace=No", "400 PARAMETER_INVALID"],
    ["namespace=test1&host=a/b/c", "400 PARAMETER_INVALID"],
    ["namespace=test1&all=1", "400 PARAMETER_UNKNOWN"],
    ["namespace=test1&fence=other", "404 FENCE_NOT_FOUND"],
  ] as const) {
    const [refused, body] = await ask(query);
    assert.equal(`${refused} ${body.code}`, code, query);
  }
  assert.equal((await ask("namespace=test1", "wrong"))[0], 401);
  assert.deepEqual(await ask("namespace=shop"), [202, { fences: [] }]);
  await running.collector.idle();
  assert.match(running.read(file), new RegExp(B));
  for (const query of ["namespace=test1&fence=a&host=B.test1:80", "namespace=test1&fence=a", "namespace=test1"]) {
    assert.deepEqual(await ask(query), [202, { fences: [A] }]);
    await until(() => !running.read(file).includes(B));
    await running.collector.idle();
    await learn();
  }
  const again = await running.restart();
  assert.match(again.read(file), new RegExp(`- test1/${B}\n`));
});
