import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, ServiceEntry, type ServiceEntryMode, ServiceFence, sidecarHosts, VirtualService } from "@fenceline/api";
import { MeshHosts, Registry } from "@fenceline/registry";
import { egressHosts } from "./egress-hosts.ts";
import { renderFence } from "./render-fence.ts";
import { unheededRemarks } from "./unheeded-remarks.ts";

const VERSION = "networking.istio.io/v1";
const registry = new Registry({ services: [], endpointSlices: [] });
const B = "b.test2.svc.cluster.local";

/** What the fence of {@link rendered} is told. */
function remarks(virtualServices: readonly VirtualService[], called: readonly string[]): readonly string[] {
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: "test1", name: "a" },
    spec: { enable: true, host: Object.fromEntries(called.map((host) => [host, {}])) },
  });
  return unheededRemarks(egressHosts({ fence, booked: [], registry, meshHosts: new MeshHosts({ virtualServices }), now: 0 }));
}

interface Given {
  readonly entries?: readonly ServiceEntry[];
  readonly services?: readonly VirtualService[];
  readonly host?: object;
  readonly serviceEntries?: ServiceEntryMode;
  readonly exact?: boolean;
  /** Whether every host is a Service's. */
  readonly isService?: boolean;
}

/** The hosts of a Sidecar in `test1`, without those of every fence. */
function rendered({
  entries = [],
  services = [],
  host = {},
  serviceEntries = "Visible",
  exact = true,
  isService = false,
}: Given): readonly string[] {
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: "test1", name: "a" },
    spec: { enable: true, host },
  });
  const meshHosts = new MeshHosts({ serviceEntries: entries, virtualServices: services, isService: () => isService });
  const system = [{ namespace: "fenceline", host: "global-sidecar.fenceline.svc.cluster.local" }];
  const hosts = egressHosts({ fence, booked: [], registry, meshHosts, serviceEntries, system, now: 0 });
  const config = Config.parse({});
  const { objects } = renderFence({ fence, hosts, labels: { app: "a" }, config, proxyVersions: [], exact });
  return objects.flatMap(sidecarHosts).filter((egress) => egress !== "fenceline/global-sidecar.fenceline.svc.cluster.local");
}

const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
const entry = (namespace: string, name: string, ...hosts: readonly string[]) =>
  ServiceEntry.parse({ apiVersion: VERSION, kind: "ServiceEntry", metadata: { namespace, name }, spec: { hosts, ports } });
const routes = (namespace: string, hosts: readonly string[], ...destinations: readonly string[]) =>
  namedRoutes(namespace, "one", hosts, destinations);
const namedRoutes = (namespace: string, name: string, hosts: readonly string[], destinations: readonly string[]) =>
  VirtualService.parse({
    ...{ apiVersion: VERSION, kind: "VirtualService", metadata: { namespace, name } },
    spec: { hosts, http: [{ route: destinations.map((host) => ({ destination: { host } })) }] },
  });

test("issue 16: a namespace with thousands of ServiceEntries has one wildcard in the fences of others, which keep their own", () => {
  const many = Array.from({ length: 2_000 }, (_, at) => entry("evil", `e${at}`, `h${at}.example`));
  assert.deepEqual(rendered({ entries: [...many, entry("partners", "api", "api.example")] }), ["evil/*", "partners/api.example"]);
});

test("issue 16: hosts are named one by one, and what a person wrote as a wildcard stays one", () => {
  assert.deepEqual(rendered({ host: { [B]: {} } }), [`test2/${B}`]);
  assert.deepEqual(rendered({ host: { "test2/*": {}, [B]: {} } }), ["test2/*"]);
  assert.deepEqual(rendered({ host: { [B]: {} }, exact: false }), ["istio-system/*", "fenceline/*", `test2/${B}`]);
});

test("issue 16: a host that a person wrote is imported from the namespaces of its ServiceEntries, by a wildcard of theirs", () => {
  const entries = [entry("partners", "cdn", "*.cdn.example"), entry("others", "cdn", "img.cdn.example")];
  const host = { "img.cdn.example": {} };
  assert.deepEqual(rendered({ entries, host, serviceEntries: "Learn" }), ["others/img.cdn.example", "partners/*.cdn.example"]);
  assert.deepEqual(rendered({ host }), ["*/img.cdn.example"], "one that nobody has may be seen by istiod alone");
});

test("issue 16: routes for Services of a whole namespace are in force where a fence names the namespace", () => {
  const services = [routes("third", [B], B), routes("fourth", ["c.test3.svc.cluster.local"])];
  assert.deepEqual(rendered({ services: services.slice(0, 1), host: { "test2/*": {} } }), [
    "test2/*",
    "third/*.test2.svc.cluster.local",
    `third/${B}`,
  ]);
});

test("issue 16: a wildcard of a VirtualService that includes Services is shown by no fence, and another one is", () => {
  assert.deepEqual(rendered({ services: [routes("test2", ["*.test2.svc.cluster.local"], B)] }), []);
  for (const host of ["*.svc.cluster.local", "*.local"]) {
    const shown = rendered({ services: [routes("test2", [host], B)] });
    assert.deepEqual(shown, [`test2/${B}`, "test2/global-sidecar.fenceline.svc.cluster.local"], "in force for Services of ours");
  }
  assert.deepEqual(rendered({ services: [routes("third", ["*.example"], B)] }), [`test2/${B}`, "third/*.example"]);
});

test("T-08 a VirtualService of a stranger with thousands of destinations has no say, and holds nobody up", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `d${index}`);
  const hosts = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h${index}.test2.svc.cluster.local`, {}]));
  const evil = routes("evil", ["*.svc.cluster.local"], ...many);
  const honest = routes("routing", [B], "c.test3.svc.cluster.local");
  const before = process.cpuUsage();
  const shown = rendered({ services: [evil, honest], host: { ...hosts, [B]: {} }, isService: true });
  const took = process.cpuUsage(before).user / 1_000;
  assert.ok(took < 5_000, `${took} ms`);
  assert.ok(shown.includes(`routing/${B}`) && shown.length < 30, `${shown.length} hosts`);
  assert.ok(!shown.some((egress) => egress.startsWith("evil/")));
});

test("T-08 200 destinations of strangers for a host, and 1,000 of its own namespace, are in the fence as without a bound", () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `d${index}`);
  const shown = (namespace: string, count: number) =>
    rendered({ services: [routes(namespace, [B], ...names(count))], host: { [B]: {} }, isService: true }).includes(`${namespace}/${B}`);
  assert.deepEqual([shown("evil", 200), shown("evil", 201), shown("test1", 1_000), shown("test1", 1_001)], [true, false, true, false]);
});

test("T-08 whose VirtualServices have no say, since a host has no room for their destinations, the fence tells", () => {
  const many = Array.from({ length: 201 }, (_, index) => `d${index}`);
  const own = Array.from({ length: 1_001 }, (_, index) => `own${index}`);
  const honest = routes("routing", [B], "c.test3.svc.cluster.local");
  assert.deepEqual(remarks([routes("evil", [B], ...many), routes("test1", [B], ...own), honest], [B]), [
    "VirtualServices of evil, test1 have no say in calls to 1 host of the fence: they have more destinations than a host, or the fence, has room for",
  ]);
  assert.deepEqual(remarks([routes("evil", [B], ...many.slice(1)), routes("test1", [B], ...own.slice(1))], [B]), []);
});

test("T-08 ServiceEntries of strangers that include all that a fence learns take a bounded part of it, and no host is left out", () => {
  const called = Array.from({ length: 400 }, (_, index) => `api.team${index}.example`);
  const evil = ["evil1", "evil2", "evil3", "evil4"].flatMap((namespace) =>
    called.map((host, at) => entry(namespace, `e${at}`, host.replace("api", "*"))),
  );
  const partners = entry("partners", "api", ...called.slice(0, 20));
  const shown = (entries: readonly ServiceEntry[]) =>
    rendered({ entries, host: Object.fromEntries(called.map((host) => [host, {}])), serviceEntries: "Learn" });

  const flooded = shown([...evil, partners]);
  assert.ok(flooded.length < 1_500 && flooded.join("").length < 160 * 1024, `${flooded.length} hosts`);
  for (const host of called.slice(0, 20)) assert.ok(flooded.includes(`partners/${host}`), host);
  const without = shown([...evil.filter(({ metadata }) => metadata.namespace === "evil1"), partners]);
  assert.equal(without.length, 420, "within the bound all are named one by one");
});

test("T-08 a text that is no host, of whatever object, does not come into fences, which istiod would refuse whole", () => {
  const evil = [
    "no host.x.example",
    "a/b.x.example",
    "a_b.x.example",
    `${"a".repeat(64)}.x.example`,
    "-a.x.example",
    "x..x.example",
    "__proto__",
    "1.2.3.4",
  ];
  const services = [routes("evil", [B, "*.x.example", ...evil], ...evil, "fine.x.example")];
  const entries = [entry("evil", "all", "*.x.example"), ...evil.map((host, at) => entry("evil", `e${at}`, host))];
  const shown = rendered({ entries, services, host: { [B]: {} }, serviceEntries: "Visible" });
  assert.ok(shown.includes("evil/fine.x.example") && shown.includes("evil/*.x.example"), `${shown}`);
  assert.deepEqual(
    shown.filter((egress) => evil.some((text) => egress.includes(text))),
    [],
  );
});

test("T-08 thousands of VirtualServices of a stranger for every host have no say, and hold nobody up; 20 for one host have", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) => namedRoutes("evil", `v${at}`, ["*.svc.cluster.local"], [`d${at}`]));
  const hosts = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`h${index}.test2.svc.cluster.local`, {}]));
  const shown = (count: number, given: Given = {}) =>
    rendered({
      services: [...many(count), routes("routing", [B], "c.test3.svc.cluster.local")],
      host: { [B]: {} },
      isService: true,
      ...given,
    });
  assert.deepEqual(shown(21), shown(0));
  assert.ok(shown(20).includes(`evil/${B}`));
  const services = [...many(10_000), routes("routing", [B], "c.test3.svc.cluster.local")];
  const before = process.cpuUsage();
  const flooded = rendered({ services, host: { ...hosts, [B]: {} }, isService: true });
  const took = process.cpuUsage(before).user / 1_000;
  assert.ok(flooded.includes(`routing/${B}`) && !flooded.some((egress) => egress.startsWith("evil/")));
  assert.ok(took < 2_000, `${took} ms`);
});

test("T-08 strangers' VirtualServices for every host of a fence have 64 KiB of it in all; the fewest destinations come first", () => {
  const names = (of: number, count: number) => Array.from({ length: count }, (_, index) => `d${of}-${index}`);
  const called = Array.from({ length: 170 }, (_, index) => `h${index}.test2.svc.cluster.local`);
  const evil = called.map((host, at) => namedRoutes("evil", `v${at}`, [host], names(at, 200)));
  const honest = [
    routes("routing", called.slice(0, 100), "canary.test3.svc.cluster.local"),
    routes("test1", [B], ...names(1_000, 900)),
    namedRoutes("test2", "one", called.slice(0, 1), names(1_001, 900)),
  ];
  const shown = (services: readonly VirtualService[], hosts: readonly string[] = called) =>
    rendered({ services, host: Object.fromEntries([...hosts, B].map((host) => [host, {}])), isService: true });
  const [all, without] = [shown([...evil, ...honest]), shown(honest)];
  const added = all.filter((egress) => !without.includes(egress));
  assert.deepEqual(
    without.filter((egress) => !all.includes(egress)),
    [],
    "nobody else is left out",
  );
  const characters = added.join("").length;
  assert.ok(characters > 32 * 1024 && characters <= 64 * 1024, `${added.length} hosts with ${characters} characters`);
  assert.deepEqual(remarks([...evil, ...honest], called).length, 1);
  // Of 100 hosts its 200 destinations and the one of routing are too many, of 62 the fence is full.
  assert.match(remarks([...evil, ...honest], called)[0] ?? "", /^VirtualServices of evil have no say in calls to 162 hosts/);
  assert.deepEqual(remarks(honest, called), []);
  const heeded = called.filter((_, at) => all.includes(`evil/d${at}-0.evil.svc.cluster.local`));
  const imported = called.filter((host) => all.includes(`evil/${host}`));
  assert.deepEqual(heeded, imported, "with a part of its destinations calls would fail that it sends to the rest");
  assert.deepEqual(shown([...honest, ...evil.toReversed()], called.toReversed()), all, "in whatever order they come");
});

test("T-08 strangers' VirtualServices for hosts that every fence shows have 64 KiB of each fence in all", () => {
  const hosts = Array.from({ length: 500 }, (_, index) => `h${index}.example`);
  const services = hosts.map((host, at) =>
    namedRoutes(
      "evil",
      `v${at}`,
      [host],
      Array.from({ length: 100 }, (_, index) => `d${at}-${index}`),
    ),
  );
  const shown = rendered({ services });
  assert.ok(hosts.every((host) => shown.includes(`evil/${host}`)));
  const characters = shown.filter((egress) => !egress.endsWith(".example")).join("").length;
  assert.ok(characters > 32 * 1024 && characters <= 64 * 1024, `${shown.length} hosts with ${characters} characters`);
});
