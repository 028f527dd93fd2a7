import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const FENCE = `
apiVersion: microservice.slime.io/v1alpha1
kind: ServiceFence
metadata: {name: a, namespace: test1}
spec: {enable: true, host: {b: {stable: {}}}}
status: {domains: {web.shop.svc.cluster.local: {hosts: [web.shop.svc.cluster.local], status: ACTIVE, source: learned}}}
`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: b, namespace: test1}
spec: {selector: {app: b}, ports: [{name: http, port: 80}]}
`;

/** Files of a folder of the test. */
function filesOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-render-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function render(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "render", ...args], { input, encoding: "utf8" });
  return { status, stdout, stderr, objects: stdout === "" ? [] : parseAllDocuments(stdout).map((document) => document.toJS()) };
}

test("render prints what would be applied, in that order, and nothing else", (t) => {
  const folder = filesOf(t, { "fence.yaml": FENCE, "service.yaml": SERVICE });
  const { status, stderr, objects } = render(["-f", join(folder, "fence.yaml"), "-f", join(folder, "service.yaml")]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["EnvoyFilter", "Sidecar"],
  );
  assert.deepEqual(objects[1].spec.egress, [
    { hosts: ["istio-system/*", "fenceline/*", "shop/web.shop.svc.cluster.local", "test1/b.test1.svc.cluster.local"] },
  ]);
});

test("issue 14: render takes several files after one -f, and after each of several, folders among them", (t) => {
  const folder = filesOf(t, { "fence.yaml": FENCE, "service.yaml": SERVICE, "config.yaml": "namespace: mesh-operator\n" });
  const [fence, service, config] = ["fence.yaml", "service.yaml", "config.yaml"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const other = filesOf(t, { "other.yaml": FENCE.replace("name: a", "name: other") });
  const all = render(["-f", fence, service, "--config", config, "-f", other]);
  assert.deepEqual([all.status, all.stderr], [0, ""]);
  assert.deepEqual(
    all.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ["EnvoyFilter a", "Sidecar a", "EnvoyFilter other", "Sidecar other"],
  );
  assert.deepEqual(render(["-f", fence, "-f", service, "-f", other, "--config", config]).objects, all.objects);
});

test("render takes folders and the standard input, and names what it leaves alone on stderr", (t) => {
  const folder = filesOf(t, { "all.yaml": `${FENCE}---${SERVICE}---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}}\n` });
  const whole = render(["-f", folder]);
  assert.match(whole.stderr, /left alone: Deployment/);
  assert.equal(whole.status, 0);
  assert.deepEqual(render(["-f", "-"], `${FENCE}---${SERVICE}`).objects, whole.objects);
});

test("render reads a configuration of ours, and the general of a Slime module", (t) => {
  const folder = filesOf(t, {
    "fence.yaml": FENCE,
    "ours.yaml": "namespace: mesh-operator\n",
    "general.yaml": "clusterGsNamespace: mesh-operator\nwormholePort: ['80']\n",
  });
  const fence = ["-f", join(folder, "fence.yaml")];
  const ours = render([...fence, "--config", join(folder, "ours.yaml")]);
  const theirs = render([...fence, "--config", join(folder, "general.yaml")]);
  assert.deepEqual(theirs.objects, ours.objects);
  assert.ok(ours.objects[1].spec.egress[0].hosts.includes("mesh-operator/*"));
  assert.match(theirs.stderr, /general\.wormholePort has no effect/);
});

for (const [what, files, message] of [
  ["a manifest that is not valid", { "a.yaml": FENCE.replace("enable: true", "enable: maybe") }, /a\.yaml:5.*enable/s],
  ["an object that stands there twice", { "a.yaml": FENCE, "b.yaml": FENCE }, /OBJECT_REPEATED.*ServiceFence test1\/a/],
] as const)
  test(`render of ${what} prints nothing on stdout, says what is wrong, and ends with 1`, (t) => {
    const { status, stdout, stderr } = render(["-f", filesOf(t, files)]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, message);
  });

test("render of a fence that is refused prints the others, and ends with 1", (t) => {
  const reserved = FENCE.replace("namespace: test1", "namespace: istio-system");
  const { status, stderr, objects } = render(["-f", filesOf(t, { "a.yaml": FENCE, "b.yaml": reserved })]);
  assert.equal(status, 1);
  assert.equal(objects.length, 2);
  assert.match(stderr, /ServiceFence istio-system\/a.*NamespaceReserved/);
});

test("render of a file that is not there ends with 1 and names it", () => {
  const { status, stdout, stderr } = render(["-f", "/nowhere.yaml"]);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /\/nowhere\.yaml/);
});
