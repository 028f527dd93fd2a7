import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS_KIND, EVERY_NODE, MAX_ENDPOINTS_TOLD, type MeshAddress, type ServiceEndpoint } from "@fenceline/api/vocabulary";
import { Refusal } from "../refusals/refusal.ts";
import { type AddressSource, toAddress } from "../resolve/resolver.ts";
import { createAddressCheck } from "./address-policy.ts";
import { AddressTable } from "./address-table.ts";
import { type ExternalOptions, ExternalPolicy, REACH } from "./external-policy.ts";
import { addressJudge } from "./judge-address.ts";

const { SERVICE, ENDPOINT, NODE, API_SERVER, OWN, POD_RANGE, EXTERNAL_IP } = ADDRESS_KIND;
const CLUSTER_IP = "10.96.0.79";

const view = (addresses: readonly MeshAddress[]) => ({ reset: true, complete: true, addresses, removed: [] });
const known = (address: string, kinds: number, ...ports: number[]): MeshAddress => ({ address, kinds, ports });
const to = (address: string, targetPort: number, port = 80): ServiceEndpoint => ({ port, address, targetPort });

/**
 * What becomes of a Service with such endpoints, on port 80 by its name unless something else is
 * said.
 */
function judged(leadsTo: readonly ServiceEndpoint[], more: readonly MeshAddress[] = [], options: Partial<Asked> = {}) {
  const { port = 80, by = "service", external = { mode: "forward" }, selfPorts = [] } = options;
  const table = new AddressTable();
  table.apply(view([{ ...known(CLUSTER_IP, SERVICE, 80, 443), leadsTo }, ...more]));
  const other = new AddressTable();
  for (const update of table.updates()) other.apply(update);
  const isSelf = (address: { readonly port: number }) => selfPorts.includes(address.port);
  const judge = addressJudge(createAddressCheck(false, isSelf), new ExternalPolicy(external), other);
  const need = judge(toAddress(CLUSTER_IP, port, undefined, undefined, by));
  return need instanceof Refusal ? need.code : need;
}

interface Asked {
  readonly port: number;
  readonly by: AddressSource;
  readonly external: ExternalOptions;
  readonly selfPorts: readonly number[];
}

const REFUSED: readonly (readonly [what: string, endpoint: ServiceEndpoint, more: readonly MeshAddress[], code: string])[] = [
  ["the collector's pod", to("10.0.0.3", 18_082), [known("10.0.0.3", ENDPOINT | OWN, 18_082)], "DESTINATION_IS_SELF"],
  ["the collector's ClusterIP", to("10.96.0.201", 18_082), [known("10.96.0.201", SERVICE | ENDPOINT | OWN, 18_082)], "DESTINATION_IS_SELF"],
  ["the kubelet", to("192.168.50.2", 10_250), [known("192.168.50.2", ENDPOINT | NODE, 10_250)], "ADDRESS_REFUSED"],
  ["the API server", to("192.168.50.1", 6_443), [known("192.168.50.1", ENDPOINT | API_SERVER, 6_443)], "ADDRESS_REFUSED"],
  ["the API server's ClusterIP", to("10.96.0.1", 443), [known("10.96.0.1", SERVICE | API_SERVER, 443)], "ADDRESS_REFUSED"],
  ["metadata", to("169.254.169.254", 80), [], "ADDRESS_REFUSED"],
  ["metadata that is not link-local", to("100.100.100.200", 80), [], "ADDRESS_REFUSED"],
  ["loopback", to("127.0.0.1", 15_000), [], "ADDRESS_REFUSED"],
  ["an IPv4 address in the spelling of IPv6", to("::ffff:10.0.0.3", 18_082), [], "ADDRESS_REFUSED"],
  ["itself", to(CLUSTER_IP, 80), [], "ADDRESS_REFUSED"],
];

for (const [what, endpoint, more, code] of REFUSED) {
  test(`T-06 a ClusterIP that leads to ${what}: ${code}, by name and by address, alone or among pods`, () => {
    for (const by of ["service", "address"] as const) {
      assert.equal(judged([endpoint], more, { by }), code);
      assert.equal(judged([to("10.0.1.11", 8_080), endpoint], more, { by }), code);
    }
  });
}

test("T-06 a ClusterIP that leads to a port of this process is refused", () => {
  assert.equal(judged([to("10.0.0.2", 18_083)], [], { selfPorts: [18_083] }), "DESTINATION_IS_SELF");
});

test("T-06 the ports of a Service are judged each by itself", () => {
  assert.equal(judged([to("169.254.169.254", 80, 443)]), REACH.MESH);
  assert.equal(judged([to("169.254.169.254", 80, 443)], [], { port: 443 }), "ADDRESS_REFUSED");
});

test("T-06 a ClusterIP that leads to another one is judged by what is behind that, and no further", () => {
  const second = (...leadsTo: ServiceEndpoint[]): MeshAddress => ({ ...known("10.96.0.90", SERVICE | ENDPOINT, 8_080), leadsTo });
  const way = [to("10.96.0.90", 8_080)];
  assert.equal(judged(way, [second()]), REACH.MESH);
  assert.equal(judged(way, [second(to("169.254.169.254", 80, 8_080))]), "ADDRESS_REFUSED");
  assert.equal(judged(way, [second(to("10.96.0.91", 80, 8_080)), known("10.96.0.91", SERVICE | ENDPOINT, 80)]), "ADDRESS_REFUSED");
});

test("T-05 a workload on its node's network is reached by its ClusterIP", () => {
  assert.equal(judged([to("192.168.50.2", 9_100)], [known("192.168.50.2", ENDPOINT | NODE, 9_100)]), REACH.MESH);
});

const DATABASE = [known("203.0.113.10", ENDPOINT, 5_432)];
const TO_DATABASE = [to("203.0.113.10", 5_432)];
const EXTERNAL: readonly (readonly [what: string, external: ExternalOptions, expected: string | number])[] = [
  ["where external hosts are forwarded", { mode: "forward" }, REACH.SERVICE_NAMES],
  ["where they are refused", { mode: "refuse" }, "EXTERNAL_REFUSED"],
  ["where they are refused, but for this one", { mode: "refuse", allow: ["203.0.113.0/24"] }, REACH.SERVICE_NAMES],
  ["where this one is denied", { mode: "forward", deny: ["203.0.113.10"] }, "EXTERNAL_REFUSED"],
];
for (const [what, external, expected] of EXTERNAL) {
  test(`T-05 a ClusterIP of a database outside, ${what}: ${expected}`, () => {
    assert.equal(judged(TO_DATABASE, DATABASE, { external }), expected);
  });
}

test("T-05 an address that looks like one outside is a pod's where the nodes' ranges have it", () => {
  const more = [...DATABASE, known("203.0.113.0/24", POD_RANGE)];
  assert.equal(judged(TO_DATABASE, more, { external: { mode: "refuse" } }), REACH.MESH);
});

test("T-06 a Service with more such endpoints than are told is refused on every port", () => {
  const nodes = Array.from({ length: MAX_ENDPOINTS_TOLD + 1 }, (_, at) => to("192.168.50.2", 9_100 + at));
  const more = [known("192.168.50.2", ENDPOINT | NODE)];
  assert.equal(judged(nodes.slice(1), more), REACH.MESH);
  for (const port of [80, 443]) assert.equal(judged(nodes, more, { port }), "ADDRESS_REFUSED");
});

test("T-06 the refusal names the endpoint", () => {
  const table = new AddressTable();
  table.apply(view([{ ...known(CLUSTER_IP, SERVICE, 80), leadsTo: [to("169.254.169.254", 80)] }]));
  const judge = addressJudge(
    createAddressCheck(false, () => false),
    new ExternalPolicy({ mode: "forward" }),
    table,
  );
  const need = judge(toAddress(CLUSTER_IP, 80));
  assert.match(need instanceof Refusal ? need.message : "", /^the Service leads to 169\.254\.169\.254 port 80: /);
});

test("T-06 a Service whose endpoints are mended is served again", () => {
  const table = new AddressTable();
  const judge = addressJudge(
    createAddressCheck(false, () => false),
    new ExternalPolicy({ mode: "forward" }),
    table,
  );
  const update = (leadsTo?: readonly ServiceEndpoint[]) =>
    table.apply({
      reset: false,
      complete: false,
      addresses: [{ ...known(CLUSTER_IP, SERVICE, 80), ...(leadsTo && { leadsTo }) }],
      removed: [],
    });
  table.apply(view([]));
  update([to("169.254.169.254", 80)]);
  assert.ok(judge(toAddress(CLUSTER_IP, 80)) instanceof Refusal);
  update();
  assert.equal(judge(toAddress(CLUSTER_IP, 80)), REACH.MESH);
});

test("T-06 an address that a Service has as its external IP is judged by what is behind, and is outside all the same", () => {
  const external = "198.51.100.50";
  const bad = [to("169.254.169.254", 80)];
  const judge = (kinds: number, leadsTo?: readonly ServiceEndpoint[]) => {
    const table = new AddressTable();
    table.apply(view([{ ...known(external, kinds, 80), ...(leadsTo && { leadsTo }) }]));
    const policy = new ExternalPolicy({ mode: "forward" });
    const need = addressJudge(
      createAddressCheck(false, () => false),
      policy,
      table,
    )(toAddress(external, 80, undefined, undefined, "external"));
    return [need instanceof Refusal ? need.code : need, table.has(external)];
  };
  assert.deepEqual(judge(EXTERNAL_IP), [REACH.ANYWHERE, false]);
  assert.deepEqual(judge(EXTERNAL_IP, [to("169.254.169.254", 80, 443)]), [REACH.ANYWHERE, false]);
  assert.deepEqual(judge(EXTERNAL_IP, bad), ["ADDRESS_REFUSED", false]);
  // A slice that names it as well opens it no more than before.
  assert.deepEqual(judge(EXTERNAL_IP | ENDPOINT), [REACH.MESH, true]);
  assert.deepEqual(judge(EXTERNAL_IP | ENDPOINT, bad), ["ADDRESS_REFUSED", true]);
});

const BALANCER = "198.51.100.50";
const balancer = (...leadsTo: ServiceEndpoint[]): MeshAddress => ({ ...known(BALANCER, ENDPOINT | EXTERNAL_IP), leadsTo });
const VIA_BALANCER: readonly (readonly [what: string, more: readonly MeshAddress[], expected: string | number])[] = [
  ["to nothing that is suspect, which is outside", [balancer()], REACH.SERVICE_NAMES],
  ["to such an address on another port", [balancer(to("169.254.169.254", 80, 443))], REACH.SERVICE_NAMES],
  ["to metadata", [balancer(to("169.254.169.254", 80))], "ADDRESS_REFUSED"],
  ["to Fenceline", [balancer(to("10.0.0.3", 18_082)), known("10.0.0.3", ENDPOINT | OWN, 18_082)], "DESTINATION_IS_SELF"],
  ["to a third Service", [balancer(to("10.96.0.91", 80)), known("10.96.0.91", SERVICE | ENDPOINT, 80)], "ADDRESS_REFUSED"],
];
for (const [what, more, expected] of VIA_BALANCER) {
  test(`T-06 a ClusterIP that leads to a load balancer's address, and by that ${what}: ${expected}`, () => {
    assert.equal(judged([to(BALANCER, 80)], more), expected);
  });
}

test("T-05 a nodePort is refused on every node, declared or not, and behind a ClusterIP: it leads on to what nobody judges", () => {
  const node = "192.168.50.2";
  const more = [known(node, ENDPOINT | NODE, 9_100, 30_080), known(EVERY_NODE, NODE, 30_080)];
  const table = new AddressTable();
  table.apply(view(more));
  const judge = addressJudge(
    createAddressCheck(false, () => false),
    new ExternalPolicy({ mode: "forward" }),
    table,
  );
  const codeOf = (port: number) => {
    const need = judge(toAddress(node, port));
    return need instanceof Refusal ? need.code : need;
  };
  assert.deepEqual([9_100, 30_080, 30_081].map(codeOf), [REACH.MESH, "ADDRESS_REFUSED", "ADDRESS_REFUSED"]);
  assert.equal(judged([to(node, 9_100)], more), REACH.MESH);
  assert.equal(judged([to(node, 30_080)], more), "ADDRESS_REFUSED");
});
