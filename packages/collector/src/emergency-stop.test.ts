/** T-17: `enable: false` works beside any mistake, wherever that is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnObject } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, SERVICE_FENCES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const HEAD = "apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a, namespace: test1}\n";
const MESH = CAPTURED_MESH.slice(0, CAPTURED_MESH.lastIndexOf("---"));
const isOff = (text: string) => text === "";

test("T-17 the emergency stop works in a spec with more entries than are read", async (t) => {
  const { server, condition, message } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  const host = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`h${at}.example`, null]));
  const object = server.get(FENCES, FENCE) as unknown as OwnObject;
  server.put(FENCES, { ...object, metadata: { ...object.metadata, generation: 2 }, spec: { enable: false, host } });
  await until(() => condition("Enforced") === "False ModeOff");
  assert.deepEqual([server.get(SIDECARS, FENCE), condition("Accepted")], [undefined, "False SpecInvalid"]);
  assert.match(message("Accepted"), /^spec\.host: too many entries: 10001/);
});

for (const [what, rest] of [
  ["a label that is no text", { metadata: { ...FENCE, labels: { version: 1 } }, spec: { enable: false } }],
  ["labels that are none", { metadata: { ...FENCE, labels: ["x"] }, spec: { enable: false, host: 7 } }],
  ["a mode in small letters", { spec: { enable: true, mode: "off" } }],
  ["a plain Off, which is false", { spec: { enable: true, mode: false } }],
  ["a quoted no", { spec: { enable: "no" } }],
] as const)
  test(`T-17 the emergency stop works beside, or as, ${what}`, async (t) => {
    const running = await startCollector(t, MESH);
    const manifest = { apiVersion: FENCES.apiVersion, kind: "ServiceFence", metadata: FENCE };
    running.write("a.yaml", JSON.stringify({ ...manifest, spec: { enable: true } }));
    const sidecar = () => running.read("rendered/test1/Sidecar-a.yaml");
    await until(() => !isOff(sidecar()));
    running.write("a.yaml", JSON.stringify({ ...manifest, ...rest }));
    await until(() => isOff(sidecar()));
  });

for (const [what, text] of [
  [
    "an object of another kind with a mistake",
    `${HEAD}spec: {enable: false}\n---\n{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: 7}}\n`,
  ],
  ["a document that is no YAML", `${HEAD}spec: {enable: false}\n---\nkind: [\n`],
  ["the same fence once more, on", `${HEAD}spec: {enable: true}\n---\n${HEAD}spec: {enable: false}\n`],
  ["a mistake in the syntax of its own spec", `${HEAD}spec:\n  enable: false\n  host:\n    b.test1: {stable: {}\n`],
  ["a key that stands twice", `${HEAD}spec:\n  host: {}\n  enable: false\n  host: {}\n`],
  ["a kind with a typing error", `${HEAD}spec: {enable: false}\n---\n${HEAD.replace("ServiceFence", "ServiceFense")}spec: {}\n`],
] as const)
  test(`T-17 standalone, the emergency stop works in a file with ${what}, until that is mended`, async (t) => {
    const running = await startCollector(t, MESH);
    running.write("a.yaml", `${HEAD}spec: {enable: true}\n`);
    const sidecar = () => running.read("rendered/test1/Sidecar-a.yaml");
    await until(() => !isOff(sidecar()));
    running.write("a.yaml", text);
    await until(() => isOff(sidecar()));
    running.write("a.yaml", `${HEAD}spec: {enable: true}\n`);
    await until(() => !isOff(sidecar()));
  });

test("T-17 standalone, the emergency stop works in a second file beside the one that has the fence on", async (t) => {
  const running = await startCollector(t, MESH);
  running.write("mine.yaml", `${HEAD}spec: {enable: true}\n`);
  const sidecar = () => running.read("rendered/test1/Sidecar-a.yaml");
  await until(() => !isOff(sidecar()));
  for (const name of ["a-stop.yaml", "z-stop.yaml"]) {
    running.write(name, `${HEAD}spec: {enable: false}\n`);
    await until(() => isOff(sidecar()));
    running.write(name, "# nothing\n");
    await until(() => !isOff(sidecar()));
  }
});

test("T-17 standalone, what a file at fault says beside a stop does not count", async (t) => {
  const running = await startCollector(t, MESH);
  const other = HEAD.replace("name: a", "name: d");
  running.write("a.yaml", `${HEAD}spec: {enable: true}\n---\n${other}spec: {enable: true}\n`);
  const sidecar = (name: string) => running.read(`rendered/test1/Sidecar-${name}.yaml`);
  await until(() => !isOff(sidecar("a")) && !isOff(sidecar("d")));
  const before = sidecar("d");
  running.write("a.yaml", `${HEAD}spec: {enable: false}\n---\n${other}spec: {enable: true, host: {x.example: null}}\n---\nkind: [\n`);
  await until(() => isOff(sidecar("a")));
  assert.equal(sidecar("d"), before);
});
