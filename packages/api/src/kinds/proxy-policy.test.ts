import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "../manifest.ts";
import { clusterReferences, hostOfAddress } from "./cluster-references.ts";

const specOf = (manifest: string) => parseManifests(manifest, "mesh.yaml").objects.map((object) => "spec" in object && object.spec)[0];

const FILTER = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: auth, namespace: test1, annotations: { envoyfilter.istio.io/referenced-services: "test9/Audit.test9.svc.cluster.local, api.example" } }
spec:
  workloadSelector: { labels: { app: a } }
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, cluster: { service: outbound|80||matched.test1.svc.cluster.local } }
      patch:
        operation: INSERT_BEFORE
        value:
          typed_config: { grpc_service: { envoy_grpc: { cluster_name: outbound|9000|v1|Authz.test2.svc.cluster.local } } }
    - applyTo: HTTP_FILTER
      patch:
        value:
          inlineCode: |
            request_handle:httpCall("outbound|8080||lua.test3.svc.cluster.local", {[":path"] = "/"}, "", 100)
            request_handle:httpCall('outbound_.8080_.v1_.other.test3.svc.cluster.local', {}, "", 100)
            -- inbound|8080|| and an outbound| of nothing
    - applyTo: HTTP_FILTER
      match: { context: GATEWAY }
      patch: { value: { cluster: outbound|80||gateway.test4.svc.cluster.local } }
    - { applyTo: NETWORK_FILTER, patch: { operation: REMOVE } }
`;

test("issue 16: of an EnvoyFilter of others the hosts of every cluster that its patches give sidecars are kept, those in code too", () => {
  assert.deepEqual(specOf(FILTER), {
    selector: { app: "a" },
    references: [
      "test9/audit.test9.svc.cluster.local",
      "api.example",
      "lua.test3.svc.cluster.local",
      "other.test3.svc.cluster.local",
      "authz.test2.svc.cluster.local",
    ],
  });
});

test("issue 16: an EnvoyFilter of ours, and a policy for gateways or waypoints, has no references", () => {
  const ours = FILTER.replace("annotations:", "labels: { app.kubernetes.io/managed-by: fenceline }, annotations:");
  assert.deepEqual(specOf(ours), { selector: { app: "a" }, references: [] });
  const targeted = FILTER.replace("spec:", "spec:\n  targetRefs: [{ kind: Gateway, group: gateway.networking.k8s.io, name: edge }]");
  assert.deepEqual(specOf(targeted), { selector: { app: "a" }, references: [] });
});

test("issue 16: of a RequestAuthentication the hosts of jwksUri are kept, in either spelling", () => {
  const rules = [
    "{ issuer: a, jwksUri: 'https://keys.test2.svc.cluster.local:8443/jwks' }",
    "{ issuer: b, jwks_uri: 'http://Login.Example/keys' }",
    "{ issuer: c, jwks: '{}' }",
    "{ issuer: d, jwksUri: 'not a uri' }",
  ];
  for (const version of ["v1", "v1beta1"])
    assert.deepEqual(
      specOf(`
apiVersion: security.istio.io/${version}
kind: RequestAuthentication
metadata: { name: jwt, namespace: test1 }
spec: { selector: { matchLabels: { app: a } }, jwtRules: [${rules.join()}] }`),
      { selector: { app: "a" }, references: ["keys.test2.svc.cluster.local", "login.example"] },
    );
});

test("issue 16: of plugins what their settings and code call counts, and not where their image comes from", () => {
  const wasm = `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: opa, namespace: test1 }
spec: { url: "oci://registry.test2.svc.cluster.local/opa:1", pluginConfig: { upstreams: [{ cluster: "outbound|8181||opa.test2.svc.cluster.local" }] } }`;
  assert.deepEqual(specOf(wasm), { selector: {}, references: ["opa.test2.svc.cluster.local"] });
  const lua = `
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: { name: lua, namespace: test1 }
spec: { selector: { matchLabels: { app: a } }, lua: { inlineCode: 'handle:httpCall("outbound|80||b.test2.svc.cluster.local")' } }`;
  assert.deepEqual(specOf(lua), { selector: { app: "a" }, references: ["b.test2.svc.cluster.local"] });
});

test("issue 16: a policy that is nonsense is no fault of the mesh, and has no references", () => {
  for (const spec of [
    "",
    "spec: [1]",
    "spec: { workloadSelector: 7, configPatches: { a: b } }",
    "spec: { configPatches: [7, { patch: null }] }",
  ])
    assert.deepEqual(
      specOf(
        `{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: x}}`.replace(
          "}}",
          spec === "" ? "}}" : `}, ${spec}}`,
        ),
      ),
      {
        selector: {},
        references: [],
      },
    );
});

test("issue 16: a value of whatever depth and length is looked through, and gives no more than 1,000 hosts", () => {
  let deep: unknown = "outbound|80||deep.example";
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  assert.deepEqual(clusterReferences(deep), ["deep.example"]);
  const many = Array.from({ length: 3_000 }, (_, at) => `outbound|80||h${at}.example`);
  assert.equal(clusterReferences(many).length, 1_000);
  const started = performance.now();
  clusterReferences("outbound_.1_.".repeat(80_000));
  assert.ok(performance.now() - started < 2_000, "a megabyte of beginnings");
});

for (const [text, host] of [
  ["zipkin.tracing:9411", "zipkin.tracing"],
  ["https://Login.Example:8443/keys?x=1", "login.example"],
  ["http://user:secret@api.example/", "api.example"],
  ["otel.tracing.svc.cluster.local.", "otel.tracing.svc.cluster.local"],
  ["true", undefined],
  ["10s", undefined],
  ["a.b c.d", undefined],
  ["-a.b", undefined],
  [`${"a.".repeat(2_000)}b`, undefined],
] as const)
  test(`issue 16: ${text.slice(0, 40)} names ${host ?? "no host"}`, () => assert.equal(hostOfAddress(text), host));
