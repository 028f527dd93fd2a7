import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfigOrGeneral } from "./config-file.ts";

const GENERAL = `
metricSourceType: accesslog
clusterGsNamespace: mesh-operator
autoFence: true
defaultFence: true
stableHost: ["shared-infra/*"]
dispatches:
- {name: partner, domains: ["*.partner.example"], cluster: PassthroughCluster}
- {domainRegex: '^(?:[^.])+$', cluster: _GLOBAL_SIDECAR}
`;

test("a Slime module's general is told from a configuration of ours by its fields", () => {
  const { config, remarks } = parseConfigOrGeneral(GENERAL, "general.yaml");
  assert.equal(config.namespace, "mesh-operator");
  assert.equal(config.automaticFences.create, "All");
  assert.deepEqual(config.stableHosts, ["shared-infra/*"]);
  assert.deepEqual(
    config.fallback.dispatches.map(({ name }) => name),
    ["partner", "dispatch-1"],
  );
  assert.deepEqual(
    remarks.map((remark) => remark.split(" has no effect")[0]),
    ["general.metricSourceType"],
  );
  assert.deepEqual(parseConfigOrGeneral("namespace: mesh-operator\n", "config.yaml").remarks, []);
});

test("row 78: passthroughByDefault is a dispatch behind those that are there, and nothing where it is false", () => {
  const clusters = (text: string) => {
    const { config, remarks } = parseConfigOrGeneral(text, "general.yaml");
    assert.deepEqual(remarks, []);
    return config.fallback.dispatches.map(({ domains, cluster }) => [domains, cluster]);
  };
  const all = [["*"], "PassthroughCluster"];
  assert.deepEqual(clusters("autoFence: true\npassthroughByDefault: true\n"), [all]);
  const names = "dispatches: [{domainRegex: '^(?:[^.])+$', cluster: _GLOBAL_SIDECAR}]\n";
  assert.deepEqual(clusters(`${names}passthroughByDefault: true\n`), [[[], "_GLOBAL_SIDECAR"], all]);
  assert.deepEqual(clusters(`${names}passthroughByDefault: false\n`), [[[], "_GLOBAL_SIDECAR"]]);
});

test("a whole module is taken as its general", () => {
  const text = `name: lazyload\nkind: lazyload\ngeneral:\n${GENERAL.replace(/^(?=.)/gm, "  ")}`;
  assert.equal(parseConfigOrGeneral(text, "module.yaml").config.namespace, "mesh-operator");
});

test("the general of a limiter or a plugin is told by its fields, and configures nothing: each field is named, with the reason", () => {
  const limiter = "disableGlobalRateLimit: true\nrls: {service: rate-limit, port: 18081}\nproxyVersion: ^1\\.30\nrefresh: 30s\n";
  const ours = parseConfigOrGeneral("", "config.yaml").config;
  assert.deepEqual(parseConfigOrGeneral(limiter, "general.yaml"), {
    config: ours,
    remarks: [
      "general.disableGlobalRateLimit has no effect: rules with `strategy: global` are refused: there is no rate limit service yet",
      "general.rls has no effect: rules with `strategy: global` are refused: there is no rate limit service yet",
      "general.proxyVersion has no effect: no counterpart",
      "general.refresh has no effect: it had no effect in Slime",
    ],
  });
  assert.deepEqual(parseConfigOrGeneral("configDiscoveryDefaultConfig: {}\n", "general.yaml"), {
    config: ours,
    remarks: ["general.configDiscoveryDefaultConfig has no effect: Fenceline renders neither PluginManager nor EnvoyPlugin"],
  });
});

const LIMITER_MODULE = `kind: limiter
general: {disableAdaptive: false}
metric:
  prometheus:
    address: http://prometheus.istio-system:9090
    handlers:
      cpu.max: {query: 'max(cpu{namespace="$namespace",pod=~"$pod_name"})', type: Value}
      empty: {query: ''}
`;

test("issue 17: the handlers of a limiter are values of its rules, and a fault in one names the line and the field of that file", () => {
  const { config } = parseConfigOrGeneral(LIMITER_MODULE, "module.yaml");
  assert.deepEqual(config.limiters.metrics, { "cpu.max": { query: 'max(cpu{namespace="$namespace",pod=~"$pod_name"})', type: "Value" } });
  assert.deepEqual(config.telemetry.prometheus.servers, [{ url: "http://prometheus.istio-system:9090" }]);
  assert.deepEqual(config.telemetry.prometheus.handlers, {});
  const bad = LIMITER_MODULE.replace("type: Value", "type: Other");
  assert.throws(() => parseConfigOrGeneral(bad, "module.yaml"), /module\.yaml:7 metric\.prometheus\.handlers\S*type/);
});

test("a whole module says by its kind, else by its name, whose general it has", () => {
  const remarksOf = (head: string) => parseConfigOrGeneral(`${head}\ngeneral: {proxyVersion: x, autoFence: true}\n`, "module.yaml").remarks;
  const noField = "general.autoFence has no effect: no field of Slime's limiter";
  assert.equal(remarksOf("name: lazyload\nkind: limiter")[1], noField);
  assert.equal(remarksOf("name: limiter")[1], noField);
  assert.deepEqual(remarksOf("name: mine"), ["general.proxyVersion has no effect: no counterpart"]);
});

test("aliases of a general are ours, a bad one included, and a fault in a stable host names its place", () => {
  const rules = "domainAliases: [{pattern: '(', templates: [a]}, {pattern: 'b'}]\n";
  const { config, remarks } = parseConfigOrGeneral(rules, "general.yaml");
  assert.deepEqual(config.domainAliases, [
    { pattern: "(", templates: ["a"] },
    { pattern: "b", templates: [] },
  ]);
  assert.deepEqual(remarks, []);
  assert.throws(
    () => parseConfigOrGeneral("autoFence: true\nstableHost: ['a b']\n", "general.yaml"),
    /general\.yaml:2 stableHost\[0\]: not a host/,
  );
});

test("Slime makes no fences by itself unless it is told to", () => {
  assert.equal(parseConfigOrGeneral("wormholePort: ['9080']\n", "general.yaml").config.automaticFences.create, "Off");
  assert.equal(parseConfigOrGeneral("autoFence: true\n", "general.yaml").config.automaticFences.create, "Labelled");
});

const SCOPE = `
autoFence: true
blackNamespaceList: " kube-system , monitoring,,"
whiteNamespaceList: shop
managementSelectors:
- {matchLabels: {env: prod}}
- {matchExpressions: [{key: team, operator: In, values: [shop]}]}
`;

test("the namespaces of a general are trimmed, and its selectors are ours", () => {
  const { config, remarks } = parseConfigOrGeneral(SCOPE, "general.yaml");
  assert.deepEqual(config.automaticFences.namespaces, {
    deny: ["kube-system", "monitoring"],
    allow: ["shop"],
    selectors: [{ matchLabels: { env: "prod" } }, { matchExpressions: [{ key: "team", operator: "In", values: ["shop"] }] }],
  });
  assert.deepEqual(remarks, []);
});

test("row 35: fenceLabelKeyAlias is our label of pods and the alias, app where it has none; a fault in it names its place", () => {
  const podLabelOf = (text: string) =>
    parseConfigOrGeneral(`autoFence: true\nfenceLabelKeyAlias: "${text}"`, "general.yaml").config.automaticFences.podLabel;
  assert.deepEqual(podLabelOf("app.kubernetes.io/name:svc"), { key: "app.kubernetes.io/name", alias: "svc" });
  for (const text of ["job", "job:"]) assert.deepEqual(podLabelOf(text), { key: "job", alias: "app" });
  assert.deepEqual(podLabelOf(""), { key: "", alias: "app" });
  assert.throws(() => podLabelOf("no key:x"), /general\.yaml:2.*fenceLabelKeyAlias/);
});

test("a fault in the namespaces or the selectors of a general names the line and the field of that file", () => {
  const names = SCOPE.replace("monitoring", "Monitoring");
  assert.throws(() => parseConfigOrGeneral(names, "general.yaml"), /general\.yaml:3 blackNamespaceList: not a namespace/);
  const selector = SCOPE.replace("operator: In", "operator: Is");
  assert.throws(() => parseConfigOrGeneral(selector, "general.yaml"), /general\.yaml:7 managementSelectors\[1\]\.matchExpressions\[0\]/);
});

test("a fault in a general names the line and the field of that file", () => {
  const text = "general:\n  wormholePort: ['80']\n  dispatches:\n  - {name: x, domains: ['a b'], cluster: y}\n";
  assert.throws(() => parseConfigOrGeneral(text, "module.yaml"), /module\.yaml.*4.*general\.dispatches\[0\]\.domains\[0\]|module\.yaml:4/s);
});

test("a field that neither of the two has is refused as one of ours", () => {
  assert.throws(() => parseConfigOrGeneral("nonsense: 1\n", "config.yaml"), /CONFIG_INVALID/);
});

const MODULE = `
kind: lazyload
general: {metricSourceType: prometheus, autoFence: true}
metric:
  prometheus:
    address: http://prometheus.istio-system:9090
    handlers:
      destination:
        query: sum(istio_requests_total{source_app="$source_app",reporter="destination"})by(destination_service)
        type: Group
`;

test("the revisions of a module's global are ours, and a fault in them names its place", () => {
  const module = `${MODULE}global: {istioRev: "stable, canary", strictRev: true, selfResourceRev: canary}\n`;
  assert.deepEqual(parseConfigOrGeneral(module, "module.yaml").config.revisions, {
    names: ["stable", "canary"],
    strict: true,
    own: "canary",
  });
  const wrong = module.replace("selfResourceRev: canary", "selfResourceRev: other");
  assert.throws(() => parseConfigOrGeneral(wrong, "module.yaml"), /global\.selfResourceRev: not among revisions\.names/);
});

test("the Prometheus of a module is asked too, with its queries for each fence", () => {
  const { config } = parseConfigOrGeneral(MODULE, "module.yaml");
  const { servers, handlers } = config.telemetry.prometheus;
  assert.deepEqual(servers, [{ url: "http://prometheus.istio-system:9090" }]);
  assert.match(handlers.destination?.query ?? "", /source_app="\$source_app"/);
  assert.equal(config.automaticFences.create, "Labelled");
});

test("a fault in the Prometheus of a module names the line and the field of that file", () => {
  const wrong = MODULE.replace("http://prometheus", "prometheus");
  assert.throws(() => parseConfigOrGeneral(wrong, "module.yaml"), /module\.yaml:6 metric\.prometheus\.address: not an address of a server/);
  const empty = MODULE.replace(/query: .*/, 'query: ""');
  assert.throws(() => parseConfigOrGeneral(empty, "module.yaml"), /module\.yaml:9 metric\.prometheus\.handlers\.destination\.query/);
});
