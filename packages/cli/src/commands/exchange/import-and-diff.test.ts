import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";

const MAIN = join(import.meta.dirname, "../../main.ts");
const HOST = "b.test1.svc.cluster.local";
const FENCE = `
apiVersion: microservice.slime.io/v1alpha1
kind: ServiceFence
metadata: {name: a, namespace: test1}
spec: {enable: true}
status: {domains: {${HOST}: {status: ACTIVE, source: learned, ports: [80]}}}
`;
const SIDECARS = `
{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: c, namespace: test1}, spec: {workloadSelector: {labels: {app: c}}, egress: [{hosts: [./${HOST}]}]}}
---
{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default, namespace: test1}, spec: {egress: [{hosts: [./*]}]}}
`;

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-exchange-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("what is imported declares its hosts, and is exported as it was", (t) => {
  const folder = folderOf(t, { "fence.yaml": FENCE });
  const exported = run("export", "--dir", folder);
  const imported = run("import", "-f", join(folder, "fence.yaml"));
  assert.deepEqual([imported.status, imported.stderr], [0, ""]);
  assert.deepEqual(parseAllDocuments(imported.stdout)[0]?.toJS().spec, { enable: true, host: { [HOST]: { stable: {} } } });
  const again = run("export", "--dir", folderOf(t, { "fence.yaml": imported.stdout }));
  assert.deepEqual(parseAllDocuments(again.stdout)[0]?.toJS(), parseAllDocuments(exported.stdout)[0]?.toJS());
});

test("import writes a file for each fence, names what it leaves out, and ends with 1 then", (t) => {
  const folder = folderOf(t, { "sidecars.yaml": SIDECARS });
  const output = join(folder, "out");
  const { status, stdout, stderr } = run("import", "-f", join(folder, "sidecars.yaml"), "-o", output);
  assert.deepEqual([status, stdout, readdirSync(output)], [1, "", ["ServiceFence-test1.c.yaml"]]);
  assert.match(stderr, /Sidecar test1\/default: it is for all pods of its namespace/);
});

test("diff ends with 0 where nothing differs, with 1 where something does, and with 2 where it cannot tell", (t) => {
  const folder = folderOf(t, { "fence.yaml": FENCE });
  const other = folderOf(t, { "fence.yaml": FENCE.replace(HOST, `c.${HOST}`), "empty.json": "[]" });
  const [one, two] = [join(folder, "fence.yaml"), join(other, "fence.yaml")];
  assert.deepEqual(run("diff", one, folder), { status: 0, stdout: "", stderr: "" });
  assert.deepEqual(run("diff", one, "--dir", folder), { status: 0, stdout: "", stderr: "" });
  const differs = run("diff", one, "--dir", other);
  assert.deepEqual([differs.status, differs.stderr], [1, ""]);
  assert.equal(differs.stdout, `~ ServiceFence test1/a\n    - spec.host['${HOST}'].stable: {}\n    + spec.host['c.${HOST}'].stable: {}\n`);
  const json = run("diff", one, two, "--format", "json");
  assert.equal(json.status, 1);
  assert.deepEqual(JSON.parse(json.stdout).differences[0].fields[0], { path: `spec.host['${HOST}'].stable`, before: {} });
  assert.equal(run("diff", one, two, "--namespace", "shop").status, 0);
  for (const wrong of [
    ["diff", "/nowhere.yaml", one],
    ["diff", one, "--url", "http://127.0.0.1:1"],
    ["diff"],
    ["diff", join(other, "empty.json")],
  ])
    assert.equal(run(...wrong).status, 2, wrong.join(" "));
});

test("T-52 diff tells a terminal nothing of what others wrote, and sees what is below __proto__", (t) => {
  const sidecar = (label: string) =>
    `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: c, namespace: test1}, spec: {__proto__: {"a\\u0085": "${label}"}}}`;
  const folder = folderOf(t, { "one.yaml": sidecar("x"), "two.yaml": sidecar("\\u009b31m") });
  const [one, two] = [join(folder, "one.yaml"), join(folder, "two.yaml")];
  const changed = String.raw`    ~ spec.__proto__['a\u0085']: "x" -> "\u009b31m"`;
  assert.deepEqual(run("diff", one, two), { status: 1, stdout: `~ Sidecar test1/c\n${changed}\n`, stderr: "" });
  assert.match(run("diff", one, two, "--format", "json").stdout, /"after": "\\u009b31m"/);
});
