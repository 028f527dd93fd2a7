import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./config-file.ts";
import { FencelineError } from "./errors.ts";

function faultIn(text: string): string {
  try {
    parseConfig(text, "c.yaml");
  } catch (error) {
    if (error instanceof FencelineError) return error.message;
    throw error;
  }
  return "none";
}

const route = (fields: string) => `fallback: {dispatches: [{name: a, cluster: c, domains: [a.example], ${fields}}]}`;

test("T-17 T-50 a value that cannot be meant is refused where it stands, with what is expected and what was found", () => {
  for (const [text, expected] of [
    ['workloadLabel: "a b!!"', /^CONFIG_INVALID: c\.yaml:1 workloadLabel: not the key of a label: .*, found "a b!!"$/],
    ["workloadLabel: 5", /: expected a text, found 5$/],
    ['workloadLabel: ""', /found ""$/],
    ["workloadLabel: Team_x/app", /not the key of a label/],
    ["workloadLabel: a/b/c", /not the key of a label/],
    [`workloadLabel: ${"a".repeat(64)}`, /not the key of a label/],
    ["istioNamespace: [x]", /^CONFIG_INVALID: c\.yaml:1 istioNamespace: expected a text, found a list$/],
    ["ageing: {maxHosts: 0}", / ageing\.maxHosts: expected at least 1, found 0$/],
    ["ageing: {maxHosts: 1.5}", /expected a whole number, found 1\.5$/],
    ["onDemand: maybe", /expected "auto", "always" or "never", found "maybe"$/],
    ["telemetry: {sampling: 0}", /expected more than 0, found 0$/],
    ["telemetry: {acceptPlaintext: 'yes'}", /expected true or false, found "yes"$/],
    [
      "telemetry: {prometheus: {servers: [{url: 'prometheus:9090'}]}}",
      /servers\[0\]\.url: not an address of a server: .*, found "prometheus:9090"$/,
    ],
    ["telemetry: {prometheus: {servers: [{url: 'http://u:p@a'}]}}", /servers\[0\]\.url: not an address of a server/],
    [
      "telemetry: {prometheus: {servers: [{url: 'http://a', bearerToken: a, bearerTokenFile: b}]}}",
      /bearerToken: expected one of bearerToken, /,
    ],
    ["telemetry: {prometheus: {servers: [{url: 'https://a', tls: {certFile: a}}]}}", /tls\.keyFile: certFile and keyFile go together/],
    ["telemetry: {prometheus: {interval: 10m}}", /telemetry\.prometheus\.window: shorter than telemetry\.prometheus\.interval/],
    ["telemetry: {prometheus: {matchers: {'a-b': c}}}", /not the name of a label of Prometheus/],
    ["telemetry: {prometheus: {namespaceLabel: source_workload_namespace}}", /the pod itself writes this label/],
    ["clusterDomain: Cluster.local", /^CONFIG_INVALID: c\.yaml:1 clusterDomain: not a domain: .*, found "Cluster\.local"$/],
    ["clusterDomain: cluster.local.", /clusterDomain: not a domain: .* none at the end/],
    ["clusterDomain: a..b", /clusterDomain: not a domain/],
    ["clusterDomain: -a.b", /clusterDomain: not a domain/],
    ["clusterDomain: 'cluster.local:80'", /clusterDomain: not a domain/],
    ["clusterDomain: ''", /clusterDomain: not a domain/],
    [`clusterDomain: ${"a".repeat(64)}`, /clusterDomain: not a domain/],
    [`clusterDomain: ${"a".repeat(60)}.${"b".repeat(60)}`, /clusterDomain: expected at most 120 characters/],
    ["clusterDomain: 5", /clusterDomain: expected a text, found 5$/],
    ["meshConfigMaps: []", /expected at least 1 entry, found an empty list$/],
    ["fallback: none", /expected a map, found "none"$/],
    ["fallback: {match: '('}", /fallback\.match: not an expression of RE2: /],
    ["nowhere: 1", /c\.yaml:1 nowhere: there is no such field$/],
    [route('name: " a"').replace("name: a, ", ""), /dispatches\[0\]\.name: not a name of a route/],
    [route('cluster: "a b"').replace("cluster: c, ", ""), /dispatches\[0\]\.cluster: not a cluster of Envoy/],
    [route("domainRegex: '*'"), /domainRegex: not an expression of RE2: nothing to repeat, found "\*"$/],
    [route("domainRegex: 'a(?=b)'"), /cannot look ahead/],
    [route(`domainRegex: ${"a".repeat(1025)}`), /expected at most 1024 characters/],
    [route("domains: ['http://a/']").replace("domains: [a.example], ", ""), /domains\[0\]: not a host/],
    [route("").replace("domains: [a.example], ", ""), /domains: expected a host, or an expression in domainRegex/],
  ] as const)
    assert.match(faultIn(text), expected, text);
});

test("T-05 a range of pods is a CIDR of one family with a prefix length that is not 0", () => {
  const right = ["10.0.0.0/16", "100.64.0.0/10", "10.1.2.3/32", "fd00:10::/48", "FD00::/8", "2001:db8:1:2:3:4:5:6/128"];
  assert.deepEqual(parseConfig(`podRanges: ${JSON.stringify(right)}`, "c.yaml").podRanges, right);
  const wrong = [
    "10.0.0.0",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "fd00::/129",
    "::ffff:10.0.0.0/104",
    "10.0.0/8",
    "pods",
    "",
  ];
  for (const range of wrong)
    assert.match(faultIn(`podRanges: [${JSON.stringify(range)}]`), /podRanges\[0\]: not a range of addresses: /, range);
  assert.match(faultIn("podRanges: 10.0.0.0/16"), /podRanges: expected a list/);
});

test("T-17 T-50 every fault of a file is told, each with its line", () => {
  const lines = faultIn(
    "istioNamespace: [x]\nworkloadLabel: 5\nnowhere: 1\nelsewhere: 2\nageing:\n  maxHosts: 0\n  idleWindow: soon\n",
  ).split("\n");
  assert.equal(lines[0], "CONFIG_INVALID: c.yaml: 5 faults".replace("5", "6"));
  for (const [line, field] of [
    [1, "istioNamespace"],
    [2, "workloadLabel"],
    [3, "nowhere"],
    [4, "elsewhere"],
    [6, "ageing.maxHosts"],
    [7, "ageing.idleWindow"],
  ] as const)
    assert.equal(lines.filter((text) => text.startsWith(`CONFIG_INVALID: c.yaml:${line} ${field}: `)).length, 1, field);
});

test("T-50 of very many faults the first ones are told, and how many more there are", () => {
  const lines = faultIn(Array.from({ length: 50 }, (_, index) => `field${index}: 1`).join("\n")).split("\n");
  assert.deepEqual([lines.length, lines.at(-1)], [22, "and 30 more"]);
});

test("T-50 what Slime's configurations and Kubernetes' labels have is taken", () => {
  for (const label of ["app", "app.kubernetes.io/name", "k8s-app", "App_1", "a.b/C"])
    assert.equal(faultIn(`workloadLabel: ${label}`), "none");
  for (const domain of ["'*.partner.example'", "gate.example", "10.0.0.1", "a_b", "'[fd00::1]'", "'a.example:8080'"])
    assert.equal(
      faultIn(`fallback: {dispatches: [{name: "short names", domains: [${domain}], cluster: outbound|80|v1|b.test1.svc.cluster.local}]}`),
      "none",
    );
});
