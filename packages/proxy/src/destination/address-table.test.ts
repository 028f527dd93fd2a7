import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ADDRESS_KIND, EVERY_FENCE, type MeshAddress, WHOLE_MESH } from "@fenceline/api/vocabulary";
import { Refusal } from "../refusals/refusal.ts";
import { createDnsResolver } from "../resolve/dns-resolver.ts";
import { toAddress } from "../resolve/resolver.ts";
import { call } from "../testing/client.ts";
import { startDnsServer } from "../testing/dns-server.ts";
import { startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";
import { AddressTable } from "./address-table.ts";
import { REACH } from "./external-policy.ts";
import { createMeshResolver } from "./mesh-resolver.ts";

const { SERVICE, ENDPOINT, NODE, API_SERVER, OWN, POD_RANGE, REGISTRY_ONLY, ALLOW_ANY, FENCE, REFUSED_CALLS, DEFAULT_SIDECARS } =
  ADDRESS_KIND;
const PROVEN = { "fence-source": "test1/a", "x-forwarded-client-cert": "By=x;URI=spiffe://cluster.local/ns/test1/sa/a" };

const view = (addresses: readonly MeshAddress[], more = {}) => ({ reset: true, complete: true, addresses, removed: [], ...more });

/**
 * A proxy in a cluster, before its first view of the mesh; `b.test1` is a service at 127.0.0.1,
 * where an upstream listens.
 */
async function setUp(t: TestContext, externalAllow: readonly string[] = []) {
  const dns = await startDnsServer(t);
  const upstream = await startUpstream(t, (_request, response) => response.end("reached"));
  dns.records.set("b.test1.svc.cluster.local", ["127.0.0.1"]);
  const mesh = new AddressTable();
  const resolver = createMeshResolver(createDnsResolver({ servers: [dns.address] }), mesh);
  const proxy = await startProxy(t, {}, { externalHosts: "forward", externalAllow, trustForwardedClientCert: true, resolver, mesh });
  const ask = async (host: string, headers: Record<string, string> = PROVEN) => {
    const answer = await call(proxy.port, { host, source: null, headers });
    return answer.headers["fenceline-error"] ?? answer.body.toString();
  };
  return { dns, upstream, mesh, proxy, ask };
}

const KINDS: readonly (readonly [what: string, kinds: number, declared: boolean, expected: string])[] = [
  ["a Service", SERVICE, true, "reached"],
  ["a Service, on a port that it does not declare", SERVICE, false, "PORT_NOT_DECLARED"],
  ["a pod", ENDPOINT, true, "reached"],
  ["a pod, on a port that no Service declares", ENDPOINT, false, "PORT_NOT_DECLARED"],
  ["a node", NODE, false, "ADDRESS_REFUSED"],
  ["a pod on its node's network", NODE | ENDPOINT, true, "reached"],
  ["a pod on its node's network, on another port of the node", NODE | ENDPOINT, false, "ADDRESS_REFUSED"],
  ["the API server", API_SERVER | ENDPOINT, true, "ADDRESS_REFUSED"],
  ["the API server's Service", API_SERVER | SERVICE, true, "ADDRESS_REFUSED"],
];

for (const [what, kinds, declared, expected] of KINDS) {
  test(`T-05 ${what}: ${expected}, by name, by address, by slime-orig-dest, whoever calls`, async (t) => {
    const { upstream, mesh, ask } = await setUp(t);
    mesh.apply(view([{ address: "127.0.0.1", kinds, ports: declared ? [upstream.port] : [1] }]));
    const address = `127.0.0.1:${upstream.port}`;
    for (const [host, headers] of [
      [`b.test1:${upstream.port}`, PROVEN],
      [`B.test1.svc.cluster.local.:${upstream.port}`, PROVEN],
      [`b.test1:${upstream.port}`, {}],
      [address, PROVEN],
      [address, {}],
      ["made-up.example", { ...PROVEN, "slime-orig-dest": address }],
    ] as const) {
      assert.equal(await ask(host, headers), expected, `${host} ${JSON.stringify(headers)}`);
    }
    assert.equal(upstream.connections() > 0, expected === "reached");
  });
}

test("T-05 an address of Fenceline's namespace is refused on every port, for an ExternalName of another namespace too", async (t) => {
  const { dns, mesh, ask } = await setUp(t);
  dns.records.set("alias.test1.svc.cluster.local", ["10.96.0.200"]);
  mesh.apply(view([{ address: "10.96.0.200", kinds: SERVICE | OWN, ports: [18_081] }]));
  for (const host of ["alias.test1:18081", "alias.test1", "10.96.0.200:18081", "10.96.0.200"])
    assert.equal(await ask(host), "DESTINATION_IS_SELF", host);
});

for (const port of [22, 111, 179, 1_023, 2_379, 10_250, 10_258, 6_443, 6_444, 9_345, 16_443]) {
  test(`T-05 T-08 port ${port} of a node is refused although a Service declares it`, async (t) => {
    const { dns, mesh, ask } = await setUp(t);
    dns.records.set("evil.test1.svc.cluster.local", ["192.0.2.1"]);
    mesh.apply(view([{ address: "192.0.2.1", kinds: NODE | ENDPOINT, ports: [port] }]));
    for (const host of [`192.0.2.1:${port}`, `evil.test1:${port}`]) assert.equal(await ask(host), "ADDRESS_REFUSED", host);
  });
}

test("T-01 T-05 before the first view no name leads to a port of nodes' own processes or of Fenceline", async (t) => {
  const { dns, ask } = await setUp(t);
  dns.records.set("alias.test1.svc.cluster.local", ["192.0.2.1"]);
  for (const port of [22, 2_379, 10_250, 6_443, 18_080, 18_081, 18_082, 18_083])
    assert.equal(await ask(`alias.test1:${port}`), "MESH_UNKNOWN", String(port));
});

test("T-05 an ingress gateway on its node's network is reached on the ports of HTTP", () => {
  const mesh = new AddressTable();
  mesh.apply(view([{ address: "192.0.2.1", kinds: NODE | ENDPOINT, ports: [80, 443] }]));
  for (const port of [80, 443]) assert.equal(mesh.judge(toAddress("192.0.2.1", port)), REACH.MESH);
});

test("T-08 an EndpointSlice that names an address outside of the mesh takes none of its ports from anybody", async (t) => {
  const { mesh, ask: askAs } = await setUp(t);
  // From a caller that proves nothing, so that nothing leaves this machine; for others the same
  // address is as far.
  const ask = (host: string) => askAs(host, {});
  mesh.apply(view([]));
  assert.equal(await ask("9.9.9.9:443"), "EXTERNAL_REFUSED");
  for (const ports of [[], [1]]) {
    mesh.apply(view([{ address: "9.9.9.9", kinds: ENDPOINT, ports }]));
    assert.equal(await ask("9.9.9.9:443"), "EXTERNAL_REFUSED", `ports ${ports}`);
    assert.equal(mesh.judge(toAddress("9.9.9.9", 443, undefined, undefined, "external")), undefined);
  }
  assert.equal(mesh.judge(toAddress("9.9.9.9", 1)), REACH.MESH);
});

const PODS = ["10.1.2.3", "172.31.0.9", "192.168.7.7", "100.64.0.1", "100.127.255.254", "2001:db8::7", "2600:1f13::7", "fd00::7"] as const;
for (const address of PODS) {
  test(`T-05 an address that pods may have is closed on ports that no Service declares: ${address}`, () => {
    const mesh = new AddressTable();
    mesh.apply(view([{ address, kinds: ENDPOINT, ports: [80] }]));
    const judged = mesh.judge(toAddress(address, 81));
    assert.equal(judged instanceof Refusal && judged.code, "PORT_NOT_DECLARED");
  });
}

test("T-05 an address of a range of pods is closed however public it is, and so is a ClusterIP", async (t) => {
  const { mesh, ask } = await setUp(t);
  mesh.apply(view([podRange("9.9.9.0/24"), { address: "9.9.9.9", kinds: ENDPOINT, ports: [80] }]));
  assert.equal(await ask("9.9.9.9:81"), "PORT_NOT_DECLARED");
  mesh.apply(view([{ address: "9.9.9.9", kinds: SERVICE | ENDPOINT, ports: [80] }]));
  assert.equal(await ask("9.9.9.9:81"), "PORT_NOT_DECLARED");
});

test("T-05 before the first view services are served by name, and the rest may try again", async (t) => {
  const { dns, upstream, proxy, ask } = await setUp(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  assert.equal(await ask(`b.test1:${upstream.port}`), "reached");
  assert.equal(await ask(`127.0.0.1:${upstream.port}`), "MESH_UNKNOWN");
  assert.equal(await ask(`partner.example:${upstream.port}`), "MESH_UNKNOWN");
  const answer = await call(proxy.port, { host: "partner.example", source: null, headers: PROVEN });
  assert.deepEqual([answer.status, answer.headers["retry-after"]], [503, "1"]);
});

test("T-05 what the name of a service leads to beyond the mesh is for fenced callers: an ExternalName, or a Service that is new", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  mesh.apply(view([]));
  const host = `b.test1:${upstream.port}`;
  assert.equal(await ask(host), "reached");
  assert.equal(await ask(host, { ...PROVEN, "fenceline-outbound": "registry-only" }), "reached");
  assert.equal(await ask(host, {}), "EXTERNAL_REFUSED");
});

const podRange = (address: string) => ({ address, kinds: POD_RANGE, ports: [] });

test("T-05 a pod that no Service selects is reached on no port: by address, by slime-orig-dest, by a name outside of the cluster", async (t) => {
  const { dns, upstream, mesh, ask } = await setUp(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  const address = `127.0.0.1:${upstream.port}`;
  mesh.apply(view([]));
  assert.equal(await ask(address), "reached");
  mesh.apply({ reset: false, complete: false, addresses: [podRange("127.0.0.0/24")], removed: [] });
  const before = upstream.connections();
  for (const [host, headers] of [
    [address, PROVEN],
    [`partner.example:${upstream.port}`, PROVEN],
    ["made-up.example", { ...PROVEN, "slime-orig-dest": address }],
  ] as const) {
    assert.equal(await ask(host, headers), "PORT_NOT_DECLARED", `${host} ${JSON.stringify(headers)}`);
  }
  assert.equal(await ask(address, {}), "EXTERNAL_REFUSED");
  assert.equal(upstream.connections(), before);
  // A node that is gone gives no addresses to pods.
  mesh.apply({ reset: false, complete: false, addresses: [], removed: ["127.0.0.0/24"] });
  assert.equal(await ask(address), "reached");
});

test("T-05 a Service that is new fails no call by its name, although its address is of a pod range and nobody knows it yet", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  mesh.apply(view([podRange("127.0.0.0/24")]));
  for (const host of ["b.test1", "b", "b.test1.svc", "b.test1.svc.cluster.local"])
    assert.equal(await ask(`${host}:${upstream.port}`), "reached");
  assert.equal(await ask(`b.test1:${upstream.port}`, {}), "EXTERNAL_REFUSED");
});

test("T-05 an endpoint in a pod range is judged by what is known of it, and a pod range that is allowed is external", async (t) => {
  const { upstream, mesh, ask } = await setUp(t, ["127.0.0.0/30"]);
  const address = `127.0.0.1:${upstream.port}`;
  mesh.apply(view([podRange("127.0.0.0/24"), { address: "127.0.0.1", kinds: ENDPOINT, ports: [upstream.port] }]));
  assert.equal(await ask(address, {}), "reached");
  mesh.apply(view([podRange("127.0.0.0/24")]));
  assert.equal(await ask(address), "reached");
  assert.equal(await ask(address, {}), "EXTERNAL_REFUSED");
  assert.equal(await ask("127.0.0.9:80"), "PORT_NOT_DECLARED");
});

test("T-05 pod ranges are of either family, go to another thread too, and what is no CIDR is left out", () => {
  const table = new AddressTable();
  table.apply(view(["10.244.0.0/24", "FD00:10:244::/64", "nonsense/8", "10.0.0.0/99"].map(podRange)));
  const other = new AddressTable();
  for (const update of table.updates()) other.apply(update);
  const inside = ["10.244.0.1", "10.244.1.1", "10.0.0.1", "fd00:10:244::7", "fd00:10:245::7"].filter((address) =>
    other.inPodRange(address),
  );
  assert.deepEqual(inside, ["10.244.0.1", "fd00:10:244::7"]);
});

test("T-05 a change of the mesh counts for what was resolved before", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  const host = `b.test1:${upstream.port}`;
  const known = { address: "127.0.0.1", kinds: ENDPOINT, ports: [upstream.port] };
  mesh.apply(view([known]));
  assert.equal(await ask(host), "reached");
  mesh.apply({ reset: false, complete: false, addresses: [{ ...known, ports: [1] }], removed: [] });
  assert.equal(await ask(host), "PORT_NOT_DECLARED");
  // A further view counts once it is whole.
  mesh.apply({ reset: true, complete: false, addresses: [known], removed: [] });
  assert.equal(await ask(host), "PORT_NOT_DECLARED");
  mesh.apply({ reset: false, complete: true, addresses: [], removed: [] });
  assert.equal(await ask(host), "reached");
});

test("the whole table goes to another thread in pieces, and is the same there", () => {
  const table = new AddressTable();
  const addresses = Array.from({ length: 2_345 }, (_, at) => ({
    address: `10.0.${at >> 8}.${at & 255}`,
    kinds: ENDPOINT,
    ports: [80, at + 1],
  }));
  assert.deepEqual([...table.updates()], []);
  table.apply(view(addresses));
  const other = new AddressTable();
  for (const update of table.updates()) other.apply(update);
  assert.deepEqual([other.size, other.isComplete, other.isComing], [2_345, true, false]);
  assert.deepEqual([...other.updates()], [...table.updates()]);
});

test("T-05 a caller that leaves the header out is REGISTRY_ONLY all the same where the collector says so of its namespace", async (t) => {
  const { dns, upstream, mesh, proxy, ask } = await setUp(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  const hosts = [`partner.example:${upstream.port}`, `127.0.0.1:${upstream.port}`];
  const outside = async () => Promise.all(hosts.map((host) => ask(host)));
  mesh.apply(view([]));
  assert.deepEqual(await outside(), ["reached", "reached"]);
  const closed = (namespace: string) => ({ address: namespace, kinds: REGISTRY_ONLY, ports: [] });
  mesh.apply({ reset: false, complete: false, addresses: [closed("test1")], removed: [] });
  const before = upstream.connections();
  assert.deepEqual(await outside(), ["EXTERNAL_REFUSED", "EXTERNAL_REFUSED"]);
  assert.equal(await ask("made-up.example", { ...PROVEN, "slime-orig-dest": `127.0.0.1:${upstream.port}` }), "EXTERNAL_REFUSED");
  assert.equal(upstream.connections(), before);
  assert.equal(await proxy.metric('fenceline_proxy_external_calls_total{outcome="refused"}'), 3);
  // An ExternalName, or a Service that is new, is of the registry.
  assert.equal(await ask(`b.test1:${upstream.port}`), "reached");
  mesh.apply({ reset: false, complete: false, addresses: [closed("other")], removed: ["test1"] });
  assert.deepEqual(await outside(), ["reached", "reached"]);
});

test("issue 16: a call that policies refuse is not forwarded, by name or ClusterIP, until they let it through", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  const known = { address: "127.0.0.1", kinds: SERVICE, ports: [upstream.port] };
  const refused = (text: string) => ({ address: text, kinds: REFUSED_CALLS, ports: [] });
  const [name, address] = [`b.test1:${upstream.port}`, `127.0.0.1:${upstream.port}`];
  mesh.apply(view([known, refused("only b.test1.svc.cluster.local shop")]));
  assert.equal(await ask(name), "DENIED_BY_POLICY");
  const { "fence-source": _, ...unnamed } = PROVEN;
  assert.equal(await ask(name, unnamed), "DENIED_BY_POLICY", "the certificate is enough");
  assert.equal(upstream.connections(), 0);
  const other = new AddressTable();
  for (const update of mesh.updates()) other.apply(update);
  assert.deepEqual(
    [other.isRefused("test1", "b.test1.svc.cluster.local"), other.isRefused("shop", "b.test1.svc.cluster.local")],
    [true, false],
  );
  const change = {
    reset: false,
    complete: false,
    addresses: [refused("only b.test1.svc.cluster.local shop,test1"), refused("not 127.0.0.1 test1")],
  };
  mesh.apply({ ...change, removed: ["only b.test1.svc.cluster.local shop"] });
  assert.equal(await ask(name), "DENIED_BY_POLICY", "the address is refused");
  assert.equal(await ask("made-up.example", { ...PROVEN, "slime-orig-dest": address }), "DENIED_BY_POLICY");
  mesh.apply({ reset: false, complete: false, addresses: [], removed: ["not 127.0.0.1 test1"] });
  assert.equal(await ask(name), "reached");
  mesh.apply(view([known]));
  assert.equal(mesh.isRefused("other", "b.test1.svc.cluster.local"), false);
});

test("T-05 where the whole mesh is REGISTRY_ONLY every caller is, but for namespaces that are told as exceptions", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  const outside = () => ask(`127.0.0.1:${upstream.port}`);
  mesh.apply(view([{ address: WHOLE_MESH, kinds: REGISTRY_ONLY, ports: [] }]));
  const before = upstream.connections();
  assert.equal(await outside(), "EXTERNAL_REFUSED");
  assert.equal(upstream.connections(), before);
  mesh.apply({ reset: false, complete: false, addresses: [{ address: "test1", kinds: ALLOW_ANY, ports: [] }], removed: [] });
  assert.equal(await outside(), "reached");
  assert.equal(mesh.isRegistryOnly("other"), true);
  mesh.apply({ reset: false, complete: false, addresses: [], removed: ["test1"] });
  assert.equal(await outside(), "EXTERNAL_REFUSED");
  mesh.apply({ reset: false, complete: false, addresses: [], removed: [WHOLE_MESH] });
  assert.equal(await outside(), "reached");
});

const fences = (...names: readonly string[]) => names.map((address) => ({ address, kinds: FENCE, ports: [] }));

test("T-05 a caller that names a fence that is not there is none: nothing out of the mesh, services as before", async (t) => {
  const { dns, upstream, mesh, proxy, ask } = await setUp(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  const hosts = [`127.0.0.1:${upstream.port}`, `partner.example:${upstream.port}`, `b.test1:${upstream.port}`];
  const askAll = () => Promise.all(hosts.map((host) => ask(host)));
  const refused = hosts.map(() => "EXTERNAL_REFUSED");
  mesh.apply(view(fences(EVERY_FENCE, "test1/b", "other/a")));
  const before = upstream.connections();
  assert.deepEqual(await askAll(), refused);
  assert.equal(await ask("made-up.example", { ...PROVEN, "slime-orig-dest": `127.0.0.1:${upstream.port}` }), "EXTERNAL_REFUSED");
  assert.equal(upstream.connections(), before);
  assert.equal(await proxy.metric('fenceline_proxy_external_calls_total{outcome="refused"}'), 4);
  const answer = await call(proxy.port, { host: "203.0.113.9", source: null, headers: PROVEN });
  assert.match(answer.body.toString(), /fence-source names no fence/);
  mesh.apply({ reset: false, complete: false, addresses: fences("test1/a"), removed: [] });
  assert.deepEqual(await askAll(), ["reached", "reached", "reached"]);
  mesh.apply(view([{ address: "127.0.0.1", kinds: SERVICE, ports: [upstream.port] }, ...fences(EVERY_FENCE)]));
  assert.equal(await ask(`b.test1:${upstream.port}`), "reached");
});

test("T-05 a collector that tells no fences leaves every claim that its certificate agrees with", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  mesh.apply(view([]));
  assert.equal(await ask(`127.0.0.1:${upstream.port}`), "reached");
});

const asAccount = (account: string) => ({
  "fence-source": "test1/a",
  "x-forwarded-client-cert": `By=x;URI=spiffe://cluster.local/ns/test1/sa/${account}`,
});
const fenceOf = (...accounts: readonly string[]) => ({
  address: "test1/a",
  kinds: FENCE,
  ports: [],
  ...(accounts.length > 0 && { accounts }),
});

test("T-05 a pod beside a fence that names its service accounts does not leave the mesh in its name, teach it, or have its slime-orig-dest followed", async (t) => {
  const { upstream, mesh, proxy, ask } = await setUp(t);
  const outside = `127.0.0.1:${upstream.port}`;
  mesh.apply(view([...fences(EVERY_FENCE), fenceOf("a", "a-jobs")]));
  for (const account of ["other", "A", "a-job", "a.jobs"]) {
    assert.equal(await ask(outside, asAccount(account)), "EXTERNAL_REFUSED", account);
    assert.equal(await ask("made-up.example", { ...asAccount(account), "slime-orig-dest": outside }), "EXTERNAL_REFUSED", account);
  }
  assert.deepEqual([upstream.connections(), proxy.reported.edges.length], [0, 0]);
  for (const account of ["a", "a-jobs"]) assert.equal(await ask(outside, asAccount(account)), "reached", account);
  // Another fence of the namespace may be its own.
  assert.equal(await ask(outside, { ...asAccount("other"), "fence-source": "test1/b" }), "EXTERNAL_REFUSED");
  mesh.apply({ reset: false, complete: false, addresses: fences("test1/b"), removed: [] });
  assert.equal(await ask(outside, { ...asAccount("other"), "fence-source": "test1/b" }), "reached");
});

test("T-05 the service accounts of a fence count as they are now, for routes that are remembered too, and for as long as the fence", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  const outside = `127.0.0.1:${upstream.port}`;
  const change = (addresses: readonly MeshAddress[], removed: readonly string[] = []) =>
    mesh.apply({ reset: false, complete: false, addresses, removed });
  mesh.apply(view([...fences(EVERY_FENCE), fenceOf()]));
  assert.equal(await ask(outside, asAccount("other")), "reached");
  change([fenceOf("a")]);
  assert.equal(await ask(outside, asAccount("other")), "EXTERNAL_REFUSED");
  change([], ["test1/a"]);
  assert.deepEqual([await ask(outside, asAccount("other")), await ask(outside, asAccount("a"))], ["EXTERNAL_REFUSED", "reached"]);
  change([fenceOf("other")]);
  assert.deepEqual([await ask(outside, asAccount("other")), await ask(outside, asAccount("a"))], ["reached", "EXTERNAL_REFUSED"]);
  const thread = new AddressTable();
  for (const update of mesh.updates()) thread.apply(update);
  assert.deepEqual([thread.excludes("test1/a", "a"), thread.excludes("test1/a", "other")], [true, false]);
});

test("T-05 the REGISTRY_ONLY of its own namespace holds a pod whatever fence it names", async (t) => {
  const { dns, upstream, mesh, ask } = await setUp(t);
  dns.records.set("alias.test1.svc.cluster.local", ["127.0.0.1"]);
  mesh.apply(view([...fences(EVERY_FENCE), fenceOf("a"), { address: "test1", kinds: REGISTRY_ONLY, ports: [] }]));
  for (const account of ["a", "other"]) assert.equal(await ask(`127.0.0.1:${upstream.port}`, asAccount(account)), "EXTERNAL_REFUSED");
});

test("T-05 a fence that goes counts for five minutes more, until its Envoys know, whether by a change or by a whole view", () => {
  let now = 0;
  for (const go of [
    (table: AddressTable) => table.apply({ reset: false, complete: false, addresses: [], removed: ["test1/a"] }),
    (table: AddressTable) => table.apply(view(fences(EVERY_FENCE))),
  ]) {
    const table = new AddressTable(() => now);
    table.apply(view(fences(EVERY_FENCE, "test1/a")));
    // A view that is on its way says nothing yet.
    table.apply({ reset: true, complete: false, addresses: [], removed: [] });
    now += 600_000;
    assert.equal(table.isFence("test1/a"), true);
    table.apply({ reset: false, complete: true, addresses: fences(EVERY_FENCE, "test1/a"), removed: [] });
    go(table);
    now += 299_999;
    assert.deepEqual([table.isFence("test1/a"), table.isFence("test1/b")], [true, false]);
    now += 1;
    assert.equal(table.isFence("test1/a"), false);
  }
});

test("T-05 fences go to another thread too, and are no addresses", () => {
  const table = new AddressTable();
  table.apply(view([podRange("10.244.0.0/24"), ...fences(EVERY_FENCE, "test1/a")]));
  const other = new AddressTable();
  for (const update of table.updates()) other.apply(update);
  assert.deepEqual([other.isFence("test1/a"), other.isFence("test1/b"), other.size], [true, false, 1]);
  // The names of fences have a slash, as ranges do.
  other.apply({ reset: false, complete: false, addresses: fences("10/8"), removed: ["test1/a"] });
  assert.equal(other.inPodRange("10.244.0.1"), true);
});

test("T-05 a namespace that is REGISTRY_ONLY is no address, even by the name of it", async (t) => {
  const { mesh, ask } = await setUp(t);
  mesh.apply(view([{ address: "b", kinds: REGISTRY_ONLY, ports: [] }]));
  assert.equal(await ask("b.b"), "NO_SUCH_SERVICE");
  assert.equal(mesh.isRegistryOnly("b"), true);
  assert.equal(mesh.isRegistryOnly("test1"), false);
});

const sidecars = (address: string, kinds: number, ...hosts: readonly string[]): MeshAddress => ({
  ...{ address, kinds: kinds | DEFAULT_SIDECARS, ports: [] },
  ...(hosts.length > 0 && { sidecars: [hosts] }),
});

test("issue 16: of a REGISTRY_ONLY caller what its default Sidecar hides is refused, by any name and address, and what it shows is reached", async (t) => {
  const { dns, upstream, mesh, ask } = await setUp(t);
  dns.records.set("hidden.db.svc.cluster.local", ["127.0.0.1"]);
  const [shown, hidden] = [`b.test1:${upstream.port}`, `hidden.db:${upstream.port}`];
  const owned = (...hosts: readonly string[]) => ({ address: "127.0.0.1", kinds: SERVICE, ports: [upstream.port], hosts });
  const B = "test1/b.test1.svc.cluster.local";
  const HIDDEN = "db/hidden.db.svc.cluster.local";
  mesh.apply(view([owned(B), sidecars("test1", REGISTRY_ONLY, "./*")]));
  const before = upstream.connections();
  assert.deepEqual([await ask(hidden), await ask(`hidden.db.svc.cluster.local:${upstream.port}`)], ["HOST_HIDDEN", "HOST_HIDDEN"]);
  assert.equal(upstream.connections(), before);
  assert.deepEqual([await ask(shown), await ask(`127.0.0.1:${upstream.port}`)], ["reached", "reached"]);
  // Without the fence's name the certificate tells the namespace, and without either nothing does.
  const { "x-forwarded-client-cert": certificate } = PROVEN;
  assert.deepEqual([await ask(hidden, { "x-forwarded-client-cert": certificate }), await ask(hidden, {})], ["HOST_HIDDEN", "reached"]);
  // A name that stands for the address of something hidden (ExternalName), and that address itself.
  mesh.apply({ reset: false, complete: false, addresses: [owned(HIDDEN)], removed: [] });
  assert.deepEqual([await ask(shown), await ask(`127.0.0.1:${upstream.port}`)], ["HOST_HIDDEN", "HOST_HIDDEN"]);
  assert.equal(await ask("made-up.example", { ...PROVEN, "slime-orig-dest": `127.0.0.1:${upstream.port}` }), "HOST_HIDDEN");
  // One pod of two Services, one of which is shown.
  mesh.apply({ reset: false, complete: false, addresses: [owned(HIDDEN, B)], removed: [] });
  assert.deepEqual([await ask(shown), await ask(`127.0.0.1:${upstream.port}`), await ask(hidden)], ["reached", "reached", "HOST_HIDDEN"]);
  mesh.apply({ reset: false, complete: false, addresses: [sidecars("test1", REGISTRY_ONLY, "./*", HIDDEN)], removed: [] });
  assert.equal(await ask(hidden), "reached");
});

test("issue 16: default Sidecars of the root namespace hide for every namespace but those with their own, and with ALLOW_ANY nobody is refused", async (t) => {
  const { upstream, mesh, ask } = await setUp(t);
  const b = () => ask(`b.test1:${upstream.port}`);
  mesh.apply(view([sidecars(WHOLE_MESH, REGISTRY_ONLY, "db/*")]));
  assert.equal(await b(), "HOST_HIDDEN");
  mesh.apply({ reset: false, complete: false, addresses: [sidecars("test1", 0)], removed: [] });
  assert.equal(await b(), "reached");
  mesh.apply({ reset: false, complete: false, addresses: [sidecars("test1", ALLOW_ANY, "db/*")], removed: [] });
  assert.equal(await b(), "reached");
  // What the caller's own Envoy says of itself counts as well.
  assert.equal(await ask(`b.test1:${upstream.port}`, { ...PROVEN, "fenceline-outbound": "registry-only" }), "HOST_HIDDEN");
  mesh.apply({
    reset: false,
    complete: false,
    addresses: [sidecars("test1", REGISTRY_ONLY, "*/*", "~test1/b.test1.svc.cluster.local")],
    removed: [],
  });
  assert.equal(await b(), "HOST_HIDDEN");
});

test("issue 16: default Sidecars and whose an address is go to another thread, too", () => {
  const table = new AddressTable();
  const addresses = [
    sidecars("test1", REGISTRY_ONLY, "./*"),
    { address: "10.0.0.1", kinds: SERVICE, ports: [80], hosts: ["db/hidden.db.svc.cluster.local"] },
  ];
  table.apply(view(addresses));
  const other = new AddressTable();
  for (const update of table.updates()) other.apply(update);
  assert.deepEqual(
    [...other.updates()].flatMap((update) => update.addresses),
    addresses,
  );
  assert.equal(other.hides("test1", "10.0.0.1", undefined), true);
});
