import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { EdgeBook, FenceEdges } from "@fenceline/edges";
import { egressHosts } from "@fenceline/render/fence";
import { Learner } from "../learner.ts";
import { CAPTURED_MESH, CONFIG, fenceOf, meshOf } from "../testing/mesh.ts";
import { startCollector } from "../testing/running-collector.ts";
import { wildcardsFor } from "./auto-hosts.ts";
import { ageingPolicy, takeOver } from "./take-over.ts";

const ENTRIES = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: partners}
spec: {hosts: [api.partner.example, "*.cdn.example"], ports: [{number: 80, name: http, protocol: HTTP}]}
---
{apiVersion: v1, kind: Service, metadata: {name: books, namespace: shop}, spec: {clusterIP: 10.78.0.77, ports: [{name: http, port: 80}]}}
`;
const HOUR = 3_600_000;
const NOW = Date.parse("2026-01-01T00:00:00Z");
/** Each ages after an hour without a call. */
const HOSTS = [
  "shop/*",
  "partners/*",
  "api.partner.example",
  "img.cdn.example",
  "*.nobody.example",
  "www.nobody.example",
  "far.away.svc.cluster.local",
];

interface Strategy {
  readonly auto?: object;
  readonly deadline?: object;
  readonly RecentlyCalled?: object;
}

const specWith = (strategy: Strategy) => ({
  enable: true,
  serviceEntries: "Learn" as const,
  host: Object.fromEntries(HOSTS.map((name) => [name, strategy])),
});

const AUTO = { auto: { duration: { seconds: 3_600 } } };
const A = { namespace: "test1", name: "a" };

/** A collector by a clock that the test sets, and who of the declared hosts is in the fence. */
async function start(t: TestContext) {
  const times = { now: NOW };
  const manifests = [CAPTURED_MESH.replace("spec: {enable: true}", `spec: ${JSON.stringify(specWith(AUTO))}`), ENTRIES].join("\n---\n");
  const running = await startCollector(t, manifests, undefined, { now: () => times.now });
  const edges = () => running.collector.reader.edgesOf(A);
  const call = (authority: string, upstreamCluster: string) =>
    running.send([
      encodeAccessLogMessage({
        identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
        entries: [{ authority, upstreamCluster, responseCode: 200, requests: 1 }],
      }),
    ]);
  const calledNow = () =>
    edges()
      .filter(({ host, lastSeen }) => HOSTS.includes(host) && lastSeen === times.now)
      .map(({ host }) => host);
  return { times, call, calledNow, edges };
}

const CALLS: readonly (readonly [what: string, host: string, cluster: string, keeps: readonly string[]])[] = [
  ["a Service of the namespace", "books.shop", "outbound|80||books.shop.svc.cluster.local", ["shop/*"]],
  ["a host of a ServiceEntry", "api.partner.example", "outbound|80||api.partner.example", ["api.partner.example", "partners/*"]],
  ["a host that a wildcard of a ServiceEntry has", "img.cdn.example", "outbound|80||*.cdn.example", ["img.cdn.example", "partners/*"]],
  ["a host that nobody has registered", "www.nobody.example", "PassthroughCluster", ["*.nobody.example", "www.nobody.example"]],
  ["a host that istiod alone knows", "far.away", "outbound|80||far.away.svc.cluster.local", ["far.away.svc.cluster.local"]],
  ["another host", "b.test1", "outbound|80||b.test1.svc.cluster.local", []],
  ["a host that goes nowhere", "www.nobody.example", "BlackHoleCluster", []],
];

for (const [what, host, cluster, keeps] of CALLS)
  test(`row 7: a call to ${what} is one to ${keeps.join(" and ") || "no host with the auto strategy"}`, async (t) => {
    const { times, call, calledNow, edges } = await start(t);
    assert.equal(edges().length, HOSTS.length);
    times.now += HOUR / 2;
    await call(host, cluster);
    assert.deepEqual(calledNow(), [...keeps].sort());
  });

const mesh = meshOf([CAPTURED_MESH, ENTRIES].join("\n---\n"));
const { registry, meshHosts } = mesh;

function opened(strategy: Strategy): FenceEdges {
  const fence = fenceOf(specWith(strategy));
  const edges = new FenceEdges({ ...ageingPolicy(fence, CONFIG, registry), maxRemovedShare: 1 });
  takeOver(edges, fence, registry, NOW, meshHosts);
  return edges;
}

/** After how many minutes without a call all of them have left. */
function minutesToAge(edges: FenceEdges): number {
  for (let minutes = 1; minutes <= 120; minutes += 1) {
    edges.telemetry(NOW + (minutes * HOUR) / 60);
    edges.age();
    if (edges.size === 0) return minutes;
  }
  return Number.POSITIVE_INFINITY;
}

test("row 7: RecentlyCalled leaves external hosts and namespaces the rest of their window", () => {
  const RecentlyCalled = { seconds: (NOW - HOUR / 2) / 1_000 };
  assert.deepEqual(
    opened({ ...AUTO, RecentlyCalled })
      .hosts()
      .map(({ host }) => host),
    [...HOSTS].sort(),
  );
  const [never, halfAnHourAgo] = [minutesToAge(opened(AUTO)), minutesToAge(opened({ ...AUTO, RecentlyCalled }))];
  assert.ok(Math.abs(never - 60) <= 3 && Math.abs(halfAnHourAgo - 30) <= 3, `${never}, ${halfAnHourAgo}`);
});

test("row 6: external hosts and namespaces leave the fence at their deadline, and what was called of them stays", () => {
  const fence = fenceOf(specWith({ deadline: { expire: { seconds: NOW / 1_000 } } }));
  const booked = [{ host: "books.shop.svc.cluster.local", source: "learned" as const }];
  const shown = (now: number) =>
    egressHosts({ fence, booked, registry, meshHosts, serviceEntries: "Learn", now })
      .filter(({ expired, source }) => !expired && source !== "tcp" && source !== "mesh")
      .map(({ host }) => host);
  assert.deepEqual(shown(NOW), [...HOSTS, "books.shop.svc.cluster.local"].sort());
  assert.deepEqual(shown(NOW + 1), ["books.shop.svc.cluster.local"]);
});

test("row 7: what has aged out comes back with a call that teaches, and with no other", () => {
  const book = new EdgeBook();
  const fence = fenceOf(specWith(AUTO));
  const learned: string[] = [];
  const learner = new Learner({
    book,
    onLearned: (_, host) => void learned.push(host),
    onTelemetry: () => {},
    wildcardsFor: ({ namespace }, called) => wildcardsFor(called, namespace, mesh),
  });
  const edges = book.open(A, ageingPolicy(fence, CONFIG, registry));
  const sighted = (host: string, how: object = {}) => learner.sighted({ fence: A, host, port: 80, requests: 1, at: NOW, ...how });
  const BOOKS = "books.shop.svc.cluster.local";
  assert.equal(sighted(BOOKS, { denied: true }), "denied");
  assert.equal(sighted(BOOKS, { keepsOnly: true }), "not_kept");
  assert.equal(sighted("www.nobody.example", { keepsOnly: true, declaredOnly: true }), "not_kept");
  assert.equal(sighted("other.example", { declaredOnly: true }), "not_kept");
  assert.deepEqual([learned, edges.size], [[], 0]);
  assert.equal(sighted(BOOKS), "seen");
  assert.equal(sighted("www.nobody.example", { declaredOnly: true }), "seen");
  assert.deepEqual(learned, [BOOKS, "shop/*", "www.nobody.example", "*.nobody.example"]);
  assert.deepEqual([...new Set(edges.hosts().map(({ source }) => source))].sort(), ["learned", "static"]);
  assert.equal(sighted(BOOKS, { denied: true }), "seen");
});
