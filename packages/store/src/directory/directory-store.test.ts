import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FencelineError, fenceRef, InvalidManifests, SERVICE_FENCE, type Sidecar } from "@fenceline/api";
import type { MeshChanges } from "../store.ts";
import { DirectoryStore } from "./directory-store.ts";

const fence = (name: string, more = "") =>
  `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: ${name}, namespace: test1}\nspec: {enable: true${more}}\n`;
const A = { namespace: "test1", name: "a" };
const B = "b.test1.svc.cluster.local";
const HOST = { source: "learned", lastSeen: "2026-11-28T10:00:00.000Z", requests: 1 } as const;
const sidecar = (...hosts: string[]): Sidecar => ({
  apiVersion: "networking.istio.io/v1beta1",
  kind: "Sidecar",
  metadata: { ...A, labels: {} },
  spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts }] },
});

async function open(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-store-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const refused: FencelineError[] = [];
  const waiting: (() => void)[] = [];
  const wake = () => waiting.splice(0).forEach((resolve) => void resolve());
  const store = await DirectoryStore.open({
    folder,
    onRefused: (error) => {
      refused.push(error);
      wake();
    },
  });
  store.onChange(wake);
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  /** Waits for events of the store until the condition holds. */
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    folder,
    store,
    refused,
    until,
    names: () =>
      store
        .snapshot()
        .of(SERVICE_FENCE)
        .map(({ metadata }) => metadata.name),
  };
}

test("manifests are read from every YAML file, and other files are left alone", async (t) => {
  const { names } = await open(t, { "a.yaml": fence("a"), "b.yml": fence("b"), "c.txt": "{", ".hidden.yaml": "{" });
  assert.deepEqual(names(), ["a", "b"]);
});

test("a new, a changed and a deleted file are picked up live", async (t) => {
  const { folder, until, names } = await open(t, { "a.yaml": fence("a") });
  writeFileSync(join(folder, "b.yaml"), fence("b"));
  await until(() => names().join() === "a,b");
  writeFileSync(join(folder, "a.yaml"), fence("c"));
  await until(() => names().join() === "c,b");
  rmSync(join(folder, "b.yaml"));
  await until(() => names().join() === "c");
});

test("a file that is replaced by rename, as editors do, is picked up", async (t) => {
  const { folder, until, names } = await open(t, { "a.yaml": fence("a") });
  writeFileSync(join(folder, "a.yaml.new"), fence("z"));
  renameSync(join(folder, "a.yaml.new"), join(folder, "a.yaml"));
  await until(() => names().join() === "z");
});

test("a file that becomes invalid is refused whole: what it held before stays, and other changes are taken", async (t) => {
  const { folder, until, refused, names } = await open(t, { "a.yaml": fence("a") });
  writeFileSync(join(folder, "a.yaml"), `${fence("good")}---\n${fence("bad", ", enabel: 1")}`);
  writeFileSync(join(folder, "b.yaml"), fence("b"));
  await until(() => refused.length > 0 && names().length === 2);
  assert.deepEqual(names(), ["a", "b"]);
  assert.equal(refused.length, 1);
  assert.match(refused[0]?.message ?? "", /a\.yaml:9 .*spec\.enabel/);
});

test("an invalid file at the start is an error, since nothing older could stay in force", async (t) => {
  await assert.rejects(open(t, { "a.yaml": "kind: [" }), InvalidManifests);
});

test("an object that two files define is refused, naming both", async (t) => {
  await assert.rejects(open(t, { "a.yaml": fence("x"), "b.yaml": fence("x") }), /b\.yaml.*ServiceFence test1\/x.*a\.yaml/);
});

test("what is rendered lies under its namespace, kind and name, and is read back by the next start", async (t) => {
  const { folder, store } = await open(t, {});
  await store.apply({ action: "create", owner: fenceRef(A), object: sidecar("x/*") });
  await store.apply({ action: "update", owner: fenceRef(A), object: sidecar("x/*", "y/*") });
  assert.match(readFileSync(join(folder, "rendered/test1/Sidecar-a.yaml"), "utf8"), /^# .*\n.*- y\/\*/s);
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail });
  assert.deepEqual(again.ownedBy(fenceRef(A)), [sidecar("x/*", "y/*")]);
  assert.deepEqual(again.goneOwners(SERVICE_FENCE), [fenceRef(A)]);
  await again.apply({ action: "delete", owner: fenceRef(A), object: { kind: "Sidecar", ...A } });
  await again.close();
  assert.deepEqual(readdirSync(join(folder, "rendered/test1")), []);
});

test("a rendered file names its owner; one of a version before this one is of the fence of its name", async (t) => {
  const { folder, store } = await open(t, {});
  const limiter = { kind: "SmartLimiter", namespace: "test1", name: "limits" };
  await store.apply({ action: "create", owner: limiter, object: sidecar("x/*") });
  const file = join(folder, "rendered/test1/Sidecar-a.yaml");
  const text = readFileSync(file, "utf8");
  assert.match(text, /fenceline\.io\/owner: SmartLimiter\/limits/);
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail });
  assert.deepEqual([again.ownedBy(limiter), again.ownedBy(fenceRef(A))], [[sidecar("x/*")], []]);
  await again.close();
  writeFileSync(file, text.replace(/ +annotations:\n.*\n/, ""));
  const before = await DirectoryStore.open({ folder, onRefused: assert.fail });
  assert.deepEqual([before.ownedBy(limiter), before.ownedBy(fenceRef(A))], [[], [sidecar("x/*")]]);
  await before.close();
});

test("a fence's state wins over the status in its manifest, which counts until there is one", async (t) => {
  const given = `${fence("a")}status: {domains: {b.test1.svc.cluster.local: {source: learned}}}\n`;
  const { folder, store } = await open(t, { "a.yaml": given });
  assert.deepEqual(Object.keys(store.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}), ["b.test1.svc.cluster.local"]);
  await store.writeStatus(fenceRef(A), { domains: { "c.test1.svc.cluster.local": { source: "learned" } } });
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail });
  assert.deepEqual(Object.keys(again.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}), ["c.test1.svc.cluster.local"]);
  await again.deleteStatus(fenceRef(A));
  await again.close();
});

/** A start over a folder with one state file, whose content a test gives. */
async function startWithState(t: TestContext, prepare: (path: string) => void) {
  const { folder, store } = await open(t, { "a.yaml": fence("a") });
  await store.writeStatus(fenceRef(A), { domains: { [B]: HOST, "c.test1.svc.cluster.local": HOST } });
  await store.close();
  const path = join(folder, "state/test1/ServiceFence-a.yaml");
  prepare(path);
  const troubles: FencelineError[] = [];
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail, onTrouble: (error) => troubles.push(error) });
  t.after(() => again.close());
  const files = () => readdirSync(join(folder, "state/test1"));
  const aside = () => files().filter((name) => name.includes(".unreadable-"));
  return { path, again, troubles, files, aside, hosts: () => Object.keys(again.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}) };
}

test("T-11 of a state file that is readable in part, every readable host counts, and the rest is named and kept aside", async (t) => {
  const { troubles, hosts, path, again, aside } = await startWithState(t, (path) => {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace("requests: 1", "requests: 9007199254740993").replace("conditions", "x"));
  });
  assert.deepEqual(hosts(), [B, "c.test1.svc.cluster.local"]);
  assert.equal(again.snapshot().of(SERVICE_FENCE)[0]?.status.domains[B]?.requests, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    troubles.map(({ code, at }) => [code, at.file]),
    [["STATE_UNREADABLE", path]],
  );
  assert.match(troubles[0]?.message ?? "", /domains\['b\.test1\.svc\.cluster\.local'\]\.requests/);
  assert.equal(aside().length, 1);
});

test("T-11 a state file that was cut off gives what stands before the cut", async (t) => {
  const { troubles, hosts, aside } = await startWithState(t, (path) => {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, `${text.slice(0, text.indexOf("c.test1"))}"c.test1.svc`);
  });
  assert.deepEqual(hosts(), [B]);
  assert.equal(troubles.length, 1);
  assert.equal(aside().length, 1);
});

for (const [what, prepare] of Object.entries<(path: string) => void>({
  "is another thing": (path) => writeFileSync(path, "7\n"),
  "is empty": (path) => writeFileSync(path, ""),
  "is binary": (path) => writeFileSync(path, Buffer.from([0, 255, 254, 1, 10, 58, 123])),
  "is a pipe": (path) => {
    rmSync(path);
    execFileSync("mkfifo", [path]);
  },
  "is a link to a device that never ends": (path) => {
    rmSync(path);
    symlinkSync("/dev/zero", path);
  },
  "is a link that leads in a circle": (path) => {
    rmSync(path);
    symlinkSync("ServiceFence-a.yaml", path);
  },
  "is a dump": (path) => truncateSync(path, 2 ** 33),
  "has aliases that multiply": (path) =>
    writeFileSync(
      path,
      `domains: {}\n${Array.from({ length: 40_000 }, (_, index) => `x${index}: &x${index} [*x${index - 1}]\n`).join("")}`,
    ),
  "is a directory": (path) => {
    rmSync(path);
    mkdirSync(path);
    writeFileSync(join(path, "x"), "");
  },
}))
  test(`T-11 a state file that ${what} is kept aside, told, and in nobody's way`, async (t) => {
    const { path, again, troubles, hosts, files, aside } = await startWithState(t, prepare);
    assert.deepEqual(hosts(), []);
    assert.deepEqual(
      troubles.map(({ code, at }) => [code, at.file]),
      [["STATE_UNREADABLE", path]],
    );
    assert.equal(aside().length, 1);
    await again.writeStatus(fenceRef(A), { domains: { [B]: HOST } });
    assert.deepEqual(files(), ["ServiceFence-a.yaml", ...aside()]);
  });

test("T-11 a state of very many hosts is read, and takes as long as it is long", async (t) => {
  const hosts = Array.from({ length: 30_000 }, (_, index) => `  h${index}.test1.svc.cluster.local: {source: learned}\n`);
  const state = await startWithState(t, (path) => writeFileSync(path, `domains:\n${hosts.join("")}`));
  assert.deepEqual([state.hosts().length, state.troubles], [30_000, []]);
});

test("T-50 a state folder that is none is told with its place", async (t) => {
  for (const prepare of [(path: string) => writeFileSync(path, ""), (path: string) => symlinkSync("state", path)]) {
    const folder = mkdtempSync(join(tmpdir(), "fenceline-store-"));
    t.after(() => rmSync(folder, { recursive: true }));
    prepare(join(folder, "state"));
    await assert.rejects(DirectoryStore.open({ folder, onRefused: assert.fail }), { code: "DIRECTORY_UNUSABLE" });
  }
});

test("T-11 a rendered file that is none is told, and written again", async (t) => {
  const { folder, store } = await open(t, {});
  await store.apply({ action: "create", owner: fenceRef(A), object: sidecar("x/*") });
  writeFileSync(join(folder, "rendered/test1/Sidecar-a.yaml"), "spec: 7\n");
  const troubles: FencelineError[] = [];
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail, onTrouble: (error) => troubles.push(error) });
  t.after(() => again.close());
  assert.deepEqual(again.ownedBy(fenceRef(A)), []);
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["STATE_UNREADABLE"],
  );
});

test("T-11 a status in a manifest that is not readable in part costs neither the fence nor its readable hosts, and is named", async (t) => {
  const given = `${fence("a")}status: {domains: {${B}: {source: learned, requests: many}, c.test1.svc.cluster.local: 7}}\n`;
  const { store, refused } = await open(t, { "a.yaml": given });
  assert.deepEqual(store.snapshot().of(SERVICE_FENCE)[0]?.status.domains, { [B]: { source: "learned" } });
  assert.match(refused[0]?.message ?? "", /STATUS_PARTLY_UNREADABLE: a\.yaml:5 ServiceFence test1\/a status: .*requests, domains\['c/);
});

test("what an interrupted write left is removed by the next start", async (t) => {
  const { folder } = await open(t, {});
  mkdirSync(join(folder, "state/test1"), { recursive: true });
  writeFileSync(join(folder, "state/test1/.ServiceFence-a.yaml.0a1b2c3d4e5f.tmp"), "domains:");
  const again = await DirectoryStore.open({ folder, onRefused: assert.fail });
  await again.close();
  assert.deepEqual(readdirSync(join(folder, "state/test1")), []);
});

test("what changed in the folder is told by object; what learning wrote comes with it, as ours", async (t) => {
  const { folder, store, until } = await open(t, { "a.yaml": fence("a"), "b.yaml": fence("b") });
  const told: MeshChanges[] = [];
  store.onChange((changes) => void told.push(changes));
  await store.writeStatus(fenceRef(A), { domains: { [B]: HOST } });
  writeFileSync(join(folder, "b.yaml"), `# the same\n${fence("b")}`);
  writeFileSync(join(folder, "c.yaml"), fence("c"));
  await until(() => told.some((changes) => changes.of(SERVICE_FENCE).some(({ after }) => after?.metadata.name === "c")));
  const fences = told.flatMap((changes) => changes.of(SERVICE_FENCE));
  assert.deepEqual(
    fences.map(({ before, after, isOurs = false }) => [before?.metadata.name, after?.metadata.name, isOurs]),
    [
      ["a", "a", true],
      [undefined, "c", false],
    ],
  );
  assert.deepEqual(fences[0]?.after?.status.domains, { [B]: HOST });
  const { metadata } = store.snapshot().of(SERVICE_FENCE)[0] ?? {};
  writeFileSync(join(folder, "a.yaml"), fence("a", ", idleWindow: 2h"));
  await until(() => told.at(-1)?.of(SERVICE_FENCE)[0]?.after?.spec.idleWindow === "2h");
  assert.deepEqual([told.at(-1)?.of(SERVICE_FENCE).length, told.at(-1)?.of(SERVICE_FENCE)[0]?.before?.metadata], [1, metadata]);
});
