import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ServiceFence } from "./kinds/service-fence.ts";
import type { KnownObject } from "./kinds/table.ts";
import { InvalidManifests, parseManifests } from "./manifest.ts";
import { contentOf, parseYaml } from "./yaml-documents.ts";

const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: test1}\nspec: {ports: [{name: http, port: 80}]}\n";
const [PLAIN] = parseManifests(SERVICE, "a.yaml").objects;
const FENCE = "apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a, namespace: test1}\n";

function fault(text: string, file = "mesh.yaml"): { readonly code: string; readonly line: number | undefined; readonly message: string } {
  try {
    parseManifests(text, file);
  } catch (error) {
    assert.ok(error instanceof InvalidManifests, String(error));
    const [first] = error.faults;
    return { code: first?.code ?? "", line: first?.at.line, message: error.message };
  }
  return assert.fail("accepted");
}

function value(text: string): unknown {
  const [document] = parseYaml(text).documents;
  return document === undefined ? undefined : contentOf(document).value;
}

test("T-50 plain values are what sigs.k8s.io/yaml 1.6 makes of them", () => {
  const text =
    "a: on\nb: yes\nc: n\nd: Off\nf: 017\nh: 1_000\ni: 22:22\nj: 2001-01-01\nl: 0x1F\nm: 1:30.5\no: =\nq: ~\nr: 0b11\ns: +12\nu: TRUE\nv: 1e3\nx: 08";
  assert.deepEqual(value(text), {
    ...{ a: true, b: true, c: false, d: false, f: 15, h: 1_000, i: "22:22", j: "2001-01-01", l: 31, m: "1:30.5", o: "=", q: null },
    ...{ r: 3, s: 12, u: true, v: 1_000, x: 8 },
  });
  assert.deepEqual(value("on: x\n1: z"), { true: "x", 1: "z" });
});

test("T-50 anchors and merge keys are followed, and a key of one's own wins wherever it stands", () => {
  assert.deepEqual(value("x: &x {a: 1, b: 2}\nv: {<<: *x, a: 3}\nw: {a: 3, <<: *x}\nz: {<<: [*x, {c: 4}]}"), {
    x: { a: 1, b: 2 },
    v: { a: 3, b: 2 },
    w: { a: 3, b: 2 },
    z: { a: 1, b: 2, c: 4 },
  });
  const list = `apiVersion: v1
kind: List
items:
- &service {apiVersion: v1, kind: Service, metadata: {name: a, namespace: test1}, spec: {ports: [{name: http, port: 80}]}}
- <<: *service
  metadata: {name: b, namespace: test1}
`;
  assert.deepEqual(
    parseManifests(list, "a.yaml").objects.map(({ metadata }) => metadata.name),
    ["a", "b"],
  );
  assert.equal(fault(`${SERVICE}---\n<<: 5\n`).code, "MANIFEST_YAML");
  assert.equal(fault("a: *nowhere\n").code, "MANIFEST_YAML");
});

test("T-50 a null field is one that is not there; where null has a meaning, it keeps it", () => {
  const nulls = `apiVersion: v1
kind: Service
metadata: {name: a, namespace: test1, labels: null, uid: ~}
spec:
  type:
  selector:
  clusterIP: null
  ports: [{name: http, port: 80, targetPort: null, appProtocol: , protocol: null}]
`;
  assert.deepEqual(parseManifests(nulls, "a.yaml").objects, [PLAIN]);
  const defaults = parseManifests(FENCE, "a.yaml").objects;
  for (const spec of ["spec:\n", "spec: {enable: , workloadSelector: {labels: }, idleWindow: null, warmUp: ~}\n", "status: null\n"])
    assert.deepEqual(parseManifests(FENCE + spec, "a.yaml").objects, defaults, spec);
  const [fence] = parseManifests(`${FENCE}spec:\n  mode:\n  host:\n    payments/*:\n`, "a.yaml").objects as ServiceFence[];
  assert.deepEqual(fence?.spec.host, { "payments/*": null });
  assert.equal(fault("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [null]}\n").code, "SERVICE_INVALID");
  assert.equal(fault("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: null}]}\n").code, "SERVICE_INVALID");
});

test("T-50 nulls anywhere among the optional fields change nothing", () => {
  const optional = ["type", "clusterIP", "clusterIPs", "externalName", "selector"];
  fc.assert(
    fc.property(fc.subarray(optional), (fields) => {
      const spec = { ports: [{ name: "http", port: 80 }], ...Object.fromEntries(fields.map((field) => [field, null])) };
      const object = { apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "test1" }, spec };
      assert.deepEqual(parseManifests(JSON.stringify(object), "a.json").objects, [PLAIN]);
    }),
  );
});

test("T-50 JSON, with tabs, a byte order mark and line ends of Windows, is read as YAML is", () => {
  const json = `${JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "test1" }, spec: { ports: [{ name: "http", port: 80 }] } }, undefined, "\t")}\n`;
  const spellings: readonly [string, string][] = [
    [json, "a.json"],
    [`\ufeff${json}`, "a.JSON"],
    [`\ufeff${SERVICE.replaceAll("\n", "\r\n")}`, "a.yaml"],
    [`# only a comment\n---\n---\n${SERVICE}---\n# and another\n...\n---\n`, "a.yaml"],
  ];
  for (const [text, file] of spellings) assert.deepEqual(parseManifests(text, file).objects, [PLAIN], text);
});

test("T-50 lists of one kind need not repeat it, an empty list is one, and a list of anything must say what", () => {
  const list =
    "apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: a, namespace: test1}\n  spec: {ports: [{name: http, port: 80}]}\n";
  assert.deepEqual(parseManifests(list, "a.yaml").objects, [PLAIN]);
  const nothing: readonly KnownObject[] = [];
  for (const items of ["items: []", "items:", ""])
    assert.deepEqual(parseManifests(`apiVersion: v1\nkind: List\n${items}\n`, "a.yaml").objects, nothing);
  assert.equal(fault(list.replace("ServiceList", "List")).code, "MANIFEST_NOT_AN_OBJECT");
});

test("T-50 kustomizations, objects with generateName and JSON that is no manifest are left alone", () => {
  const cases: readonly [string, string, string][] = [
    ["apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n", "k.yaml", "a kustomization"],
    ["apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\n", "j.yaml", "has no name, but generateName"],
    ["apiVersion: v1\nkind: Service\nmetadata: {generateName: a-}\n", "s.yaml", "has no name, but generateName"],
    ['{"name": "x", "version": "1.0.0"}', "package.json", "no Kubernetes object"],
    ["[1, {}]", "list.json", "no Kubernetes object"],
    ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "c.yaml", "another kind"],
  ];
  for (const [text, file, reason] of cases) {
    const { objects, ignored } = parseManifests(text, file);
    assert.deepEqual([objects.length, ignored.map((object) => object.reason)], [0, [reason]], file);
  }
});

test("T-50 a file of another use is told to belong elsewhere, and a JSON list of objects with a kind is not passed over", () => {
  for (const text of ["replicas: 2\n", "- a\n", "just text\n"])
    assert.match(fault(text).message, /apiVersion, kind and metadata\.name; a file that is no manifest belongs into another folder/);
  assert.doesNotMatch(fault("apiVersion: v1\nkind: Service\n").message, /another folder/);
  const list = '[{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}]';
  assert.equal(fault(list, "list.json").code, "MANIFEST_NOT_AN_OBJECT");
});

test("T-50 a template of Helm is told to be one; two braces within quotes are text", () => {
  for (const [text, line] of [
    ["apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n", 4],
    ["{{- if .Values.on }}\napiVersion: v1\n{{- end }}\n", 1],
    [
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n    {{- range .Values.ports }}\n    - port: {{ . }}\n    {{- end }}\n",
      6,
    ],
  ] as const) {
    const { code, line: found, message } = fault(text);
    assert.deepEqual([code, found], ["MANIFEST_IS_TEMPLATE", line], text);
    assert.match(message, /helm template/);
  }
  assert.equal(
    fault('apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {x: "{{ y }}"}}\nspec: {ports: 5}\n').code,
    "SERVICE_INVALID",
  );
});

test("T-50 a file of empty lines that is at fault is told at once", () => {
  // From each line the search for templates went on over all that follow: 300,000 lines took
  // minutes.
  const { code } = fault(`apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: 5}\n${"\n".repeat(1_000_000)}`);
  assert.equal(code, "SERVICE_INVALID");
});

const LONG_TO_READ: readonly (readonly [what: string, text: string, code: string | undefined])[] = [
  ["carriage returns without a line feed", `${FENCE}${"\r".repeat(500_000)}`, undefined],
  ["texts without a comma, in one line", `${FENCE}spec: [${"'a' ".repeat(150_000)}]`, "MANIFEST_YAML"],
];
for (const [what, text, code] of LONG_TO_READ) {
  test(`T-50 a file of nothing but ${what} is read in time that grows with its length`, () => {
    // Of this process alone: the machine has other work. Both took minutes.
    const before = process.cpuUsage();
    if (code === undefined) assert.equal(parseManifests(text, "a.yaml").objects.length, 1);
    else assert.equal(fault(text).code, code);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 30_000_000, `${user / 1_000_000} s`);
  });
}

test("T-50 a map of very many keys is read in time that grows with their number, and a key that stands twice is told", () => {
  const hosts = Array.from({ length: 50_000 }, (_, index) => `    h${index}.example.com: {}\n`).join("");
  const text = `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a}\nspec:\n  host:\n${hosts}`;
  const [read] = parseManifests(text, "f.yaml").objects;
  assert.equal(read?.kind === "ServiceFence" && Object.keys(read.spec.host).length, 50_000);
  const { code, line, message } = fault(`${text}    h7.example.com: {}\n`);
  assert.deepEqual([code, line], ["MANIFEST_YAML", 50_006]);
  assert.match(message, /unique/);
});

test("T-50 aliases that take long to follow are a fault, few in a large file are none", () => {
  const maps = (count: number, aliases: number) =>
    Array.from({ length: count }, (_, index) => `  x${index}: &x${index} [${index < aliases ? "*base" : ""}]\n`).join("");
  const text = (count: number, aliases: number) => `kind: x\nbase: &base 1\nmaps:\n${maps(count, aliases)}`;
  assert.match(fault(text(20_000, 20_000)).message, /aliases/);
  assert.equal(fault(text(20_000, 50)).code, "MANIFEST_NOT_AN_OBJECT");
});

test("T-50 tabs, deep nesting and aliases that multiply are faults with a line, and cost no more than that", () => {
  assert.deepEqual([fault("a:\n\t- 1\n").code, fault("a:\n\t- 1\n").line], ["MANIFEST_YAML", 2]);
  for (const deep of [
    "[".repeat(100_000),
    "{a: ".repeat(50_000),
    `${"- ".repeat(20_000)}x`,
    `a: ${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  ]) {
    assert.match(fault(deep).message, /nested too deeply|MANIFEST_/);
  }
  const levels = Array.from({ length: 30 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}*l${n}]`);
  assert.equal(fault(`l0: &l0 [x]\n${levels.join("\n")}\n`).code, "MANIFEST_YAML");
});

test("T-50 of very many faults the first are listed, and the rest is counted", () => {
  const { message } = fault(`${"a: [\n---\n".repeat(300)}`);
  assert.ok(message.split("\n").length <= 21);
  assert.match(message, /and \d+ more$/);
});

test("T-50 a boolean where text was meant is told to be one", () => {
  assert.match(fault(`${FENCE}spec: {mode: Off}\n`).message, /spec\.mode: .*quoted, and this is false$/);
  assert.match(fault("apiVersion: v1\nkind: Service\nmetadata: {name: y}\n").message, /quoted, and this is true$/);
});

test("T-50 of a field that there is none of the nearest one is named, and nothing is said of what stands in it", () => {
  const faults = fault(`${FENCE}spec: {enabled: true, hosts: {}, nonsense: false}`).message;
  assert.match(faults, /spec\.enabled: there is no such field; is 'enable' meant\?$/m);
  assert.match(faults, /spec\.hosts: there is no such field; is 'host' meant\?$/m);
  assert.match(faults, /spec\.nonsense: there is no such field$/m);
});

test("T-50 a fence of an apiVersion that there is none of is a fault, and not passed over as another kind", () => {
  for (const version of ["v1", "microservice.slime.io/v1", "microservice.slime.io/v1alpha2", "networking.istio.io/v1"]) {
    const { code, line, message } = fault(`kind: ServiceFence\napiVersion: ${version}\nmetadata: {name: a, namespace: b}\nspec: {}\n`);
    assert.deepEqual([code, line], ["FENCE_INVALID", 2], version);
    assert.match(message, /apiVersion: not an apiVersion of a fence: use microservice\.slime\.io\/v1alpha1 or /);
  }
  const spelt = fault("kind: serviceFence\napiVersion: microservice.slime.io/v1alpha1\nmetadata: {name: a, namespace: b}\n");
  assert.deepEqual([spelt.code, spelt.line], ["FENCE_INVALID", 1]);
  assert.match(spelt.message, /kind: not a kind: use ServiceFence, found "serviceFence"$/);
  const { ignored } = parseManifests("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n", "mesh.yaml");
  assert.equal(ignored.length, 1);
});
