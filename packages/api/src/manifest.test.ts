import assert from "node:assert/strict";
import { test } from "node:test";
import { fenceMode, type ServiceFence } from "./kinds/service-fence.ts";
import { InvalidManifests, parseManifests } from "./manifest.ts";

const DESIGN_FENCE = `apiVersion: microservice.netease.com/v1alpha1
kind: ServiceFence
metadata: {name: a, namespace: test1}
spec:
  enable: true
  host:
    b.test1.svc.cluster.local: {stable: {}}
`;

function faultsOf(text: string) {
  try {
    parseManifests(text, "mesh.yaml");
  } catch (error) {
    assert.ok(error instanceof InvalidManifests, String(error));
    return error.faults.map(({ code, at }) => ({ code, line: at.line, path: at.path, file: at.file }));
  }
  return assert.fail("accepted");
}

test("Slime's ServiceFence of the group microservice.netease.com is taken as it stands", () => {
  const [fence] = parseManifests(DESIGN_FENCE, "a.yaml").objects as ServiceFence[];
  assert.equal(fence?.metadata.namespace, "test1");
  assert.deepEqual(fence?.spec.host, { "b.test1.svc.cluster.local": { stable: {} } });
  assert.equal(fenceMode(fence?.spec ?? {}), "Enforce");
});

test("every field that Slime documents is accepted, timestamps as numbers or as text", () => {
  const text = `apiVersion: microservice.slime.io/v1alpha1
kind: ServiceFence
metadata: {name: checkout, namespace: shop, labels: {istio.io/rev: stable-1-19}, annotations: {x: y}, generation: 3}
spec:
  enable: true
  workloadSelector: {fromService: true}
  namespaceSelector: [infra]
  host:
    cart.shop.svc.cluster.local: {stable: {}}
    api.partner.example: {}
    promo.shop.svc.cluster.local: {deadline: {expire: {seconds: 1767225600}}}
    legacy.shop.svc.cluster.local: {auto: {duration: {seconds: "3600"}}, RecentlyCalled: {seconds: 1767000000}}
    payments/*:
  labelSelector:
  - selector: {tier: shared}
status:
  metricStatus: {'{destination_service="stock.warehouse.svc.cluster.local"}': "1"}
  visitor: {a/b: true}
  domains:
    stock.warehouse.svc.cluster.local: {hosts: [stock.warehouse.svc.cluster.local], status: EXPIREWAIT}
    cart.shop.svc.cluster.local: {hosts: [cart.shop.svc.cluster.local], status: 0}
`;
  const [fence] = parseManifests(text, "a.yaml").objects as ServiceFence[];
  assert.equal(Object.keys(fence?.spec.host ?? {}).length, 5);
  assert.equal(fence?.status.domains["stock.warehouse.svc.cluster.local"]?.status, "EXPIREWAIT");
});

test("a host that is none is refused with file, line and field", () => {
  const text = DESIGN_FENCE.replace("b.test1.svc.cluster.local", "b..svc");
  assert.deepEqual(faultsOf(text), [{ code: "FENCE_HOST_INVALID", line: 7, path: "spec.host['b..svc']", file: "mesh.yaml" }]);
});

test("a misspelt field is refused, in the second document of a file too", () => {
  const text = `${DESIGN_FENCE}---\n${DESIGN_FENCE.replace("enable:", "enabled:")}`;
  assert.deepEqual(faultsOf(text), [{ code: "FENCE_INVALID", line: 13, path: "spec.enabled", file: "mesh.yaml" }]);
});

test("all faults of a file are listed at once", () => {
  const text = `${DESIGN_FENCE}  mode: Sometimes\n  idleWindow: soon\n`;
  assert.deepEqual(
    faultsOf(text).map(({ line, path }) => [line, path]),
    [
      [8, "spec.mode"],
      [9, "spec.idleWindow"],
    ],
  );
});

test("a missing field is reported at its nearest parent", () => {
  assert.deepEqual(faultsOf("apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n  - name: http\n"), [
    { code: "SERVICE_INVALID", line: 7, path: "spec.ports[0].port", file: "mesh.yaml" },
  ]);
});

test("broken YAML, a duplicate key and a bare value are refused with their line", () => {
  assert.equal(faultsOf("a: [1\nb: 2\n")[0]?.code, "MANIFEST_YAML");
  assert.deepEqual(faultsOf("apiVersion: v1\nkind: Service\nkind: Service\nmetadata: {name: a}\n")[0]?.line, 3);
  assert.equal(faultsOf("just text\n")[0]?.code, "MANIFEST_NOT_AN_OBJECT");
});

test("aliases that multiply without end are refused, not expanded", () => {
  const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}*l${n}]`);
  assert.equal(faultsOf(`l0: &l0 [x]\n${levels.join("\n")}\n`)[0]?.code, "MANIFEST_YAML");
});

test("kubectl's List is unpacked, and a fault in it is found", () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spec: {ports: [{port: 80}]}\n`;
  assert.equal(parseManifests(list, "a.yaml").objects.length, 1);
  assert.deepEqual(faultsOf(list.replace("80", "80000")), [
    { code: "SERVICE_INVALID", line: 7, path: "spec.ports[0].port", file: "mesh.yaml" },
  ]);
});

test("other kinds are named and left alone, empty documents too", () => {
  const { objects, ignored } = parseManifests("---\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n", "a.yaml");
  assert.equal(objects.length, 0);
  assert.deepEqual(
    ignored.map(({ kind }) => kind),
    ["Deployment"],
  );
});

test("T-20 an unknown kind of our own groups is a fault with its line; kinds of Slime that share them are left alone", () => {
  for (const [apiVersion, kind] of [
    ["microservice.slime.io/v1alpha1", "ServiceFenc"],
    ["microservice.slime.io/v1alpha1", "Fence"],
    ["microservice.netease.com/v9", "ServiceFenceSet"],
    ["Microservice.Slime.io/v1alpha1", "ServiceFencing"],
  ])
    assert.deepEqual(
      faultsOf(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a, namespace: test1}\n`).map(({ code, line, path }) => [
        code,
        line,
        path,
      ]),
      [["MANIFEST_KIND_UNKNOWN", 2, "kind"]],
      kind,
    );
  const { ignored } = parseManifests("apiVersion: microservice.slime.io/v1alpha1\nkind: EnvoyPlugin\nmetadata: {name: a}\n", "a.yaml");
  assert.deepEqual(ignored, [{ kind: "EnvoyPlugin", reason: "another kind" }]);
});
