import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FencelineError, fenceRef, type Sidecar } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { DirectoryStore } from "./directory-store.ts";

const A = { namespace: "test1", name: "a" };
const FILE = "rendered/test1/Sidecar-a.yaml";
const sidecar = (name = "a", ...hosts: string[]): Sidecar => ({
  apiVersion: "networking.istio.io/v1beta1",
  kind: "Sidecar",
  metadata: { namespace: "test1", name, labels: {} },
  spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts: ["./*", ...hosts] }] },
});

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-rendered-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const restored: string[] = [];
  const troubles: FencelineError[] = [];
  const open = async () => {
    const store = await DirectoryStore.open({
      folder,
      onRefused: assert.fail,
      onTrouble: (error) => void troubles.push(error),
      onRestored: (file) => void restored.push(file),
    });
    t.after(() => store.close());
    return store;
  };
  const path = join(folder, FILE);
  return { folder, path, restored, troubles, open };
}

for (const [what, damage] of Object.entries<(path: string) => void>({
  "is edited": (path) => writeFileSync(path, readFileSync(path, "utf8").replace("./*", "*/*")),
  "is emptied": (path) => writeFileSync(path, ""),
  "is garbage": (path) => writeFileSync(path, Buffer.from([0, 255, 1])),
  "is deleted": (path) => rmSync(path),
  "is a FIFO": (path) => {
    rmSync(path);
    execFileSync("mkfifo", [path]);
  },
  "is a directory": (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  "is a link": (path) => {
    rmSync(path);
    symlinkSync("/dev/null", path);
  },
  "went with its folder": (path) => rmSync(join(path, "../.."), { recursive: true }),
}))
  test(`T-22 a rendered file that ${what} is written again at once, as often as it happens`, async (t) => {
    const { path, restored, open } = await setUp(t);
    const store = await open();
    await store.apply({ action: "create", owner: fenceRef(A), object: sidecar() });
    const text = readFileSync(path, "utf8");
    for (const times of [1, 2]) {
      damage(path);
      await until(() => restored.length === times && existsSync(path) && readFileSync(path, "utf8") === text);
    }
    assert.deepEqual(restored, [path, path]);
  });

test("T-22 our own writes are nobody else's, and what is not rendered any more does not come back", async (t) => {
  const { path, restored, open } = await setUp(t);
  const store = await open();
  for (const host of ["x/*", "y/*"]) await store.apply({ action: "create", owner: fenceRef(A), object: sidecar("a", host) });
  await store.apply({ action: "create", owner: fenceRef({ ...A, name: "b" }), object: sidecar("b") });
  await store.apply({ action: "delete", owner: fenceRef(A), object: { kind: "Sidecar", ...A } });
  rmSync(join(path, "../Sidecar-b.yaml"));
  await until(() => restored.length > 0);
  assert.deepEqual([restored, existsSync(path)], [[join(path, "../Sidecar-b.yaml")], false]);
});

for (const [what, damage] of Object.entries<(text: string) => string>({
  "is edited, and still a Sidecar,": (text) => text.replace("./*", "*/*"),
  "is empty": () => "",
  "is cut off": (text) => text.slice(0, text.length / 2),
  "has a host that is none": (text) => text.replace(/^# .*\n/, "").replace("- ./*", "- 7"),
  "has no hosts": (text) => text.replace(/^# .*\n/, "").replace("hosts:", "host:"),
}))
  test(`T-22 a rendered file that ${what} counts for nothing at a start, is told, and is not kept beside`, async (t) => {
    const { folder, path, troubles, open } = await setUp(t);
    const store = await open();
    await store.apply({ action: "create", owner: fenceRef(A), object: sidecar() });
    await store.close();
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    const again = await open();
    assert.deepEqual(again.ownedBy(fenceRef(A)), []);
    assert.deepEqual(
      troubles.map(({ code, at }) => [code, at.file]),
      [["STATE_UNREADABLE", path]],
    );
    assert.deepEqual(readdirSync(join(folder, "rendered/test1")), []);
  });

test("T-22 a comment or a label that somebody put into a rendered file is gone after a start", async (t) => {
  const { path, restored, open } = await setUp(t);
  const store = await open();
  await store.apply({ action: "create", owner: fenceRef(A), object: sidecar() });
  await store.close();
  const text = readFileSync(path, "utf8");
  writeFileSync(path, `${text}# mine\n`);
  await open();
  await until(() => restored.length > 0 && readFileSync(path, "utf8") === text);
  assert.deepEqual(restored, [path]);
});

test("T-26 nothing is written through a link: not into state, rendered, nor a namespace of them", async (t) => {
  const { folder, open } = await setUp(t);
  const elsewhere = mkdtempSync(join(tmpdir(), "fenceline-elsewhere-"));
  t.after(() => rmSync(elsewhere, { recursive: true }));
  const store = await open();
  for (const below of ["state", "rendered"]) {
    mkdirSync(join(folder, below), { recursive: true });
    symlinkSync(elsewhere, join(folder, below, "test1"));
  }
  const obstacles = [
    await store.writeStatus(fenceRef(A), { domains: {} }),
    await store.apply({ action: "create", owner: fenceRef(A), object: sidecar() }),
  ];
  for (const obstacle of obstacles) assert.match(obstacle?.message ?? "", /test1 is a link, and nothing is written through one/);
  await store.close();
  for (const below of ["state", "rendered"]) {
    rmSync(join(folder, below), { recursive: true });
    symlinkSync(elsewhere, join(folder, below));
    await assert.rejects(open(), { code: "DIRECTORY_UNUSABLE" });
    rmSync(join(folder, below));
  }
  assert.deepEqual(readdirSync(elsewhere), []);
});

test("T-26 a rendered object whose name is too long for a file is there by a hash, and is read back", async (t) => {
  const { folder, troubles, open } = await setUp(t);
  const name = "n".repeat(253);
  const owner = fenceRef({ ...A, name });
  const store = await open();
  await store.apply({ action: "create", owner, object: sidecar(name) });
  await store.close();
  assert.match(readdirSync(join(folder, "rendered/test1")).join(), /^Sidecar-n{120}~[0-9a-f]{16}\.yaml$/);
  assert.deepEqual((await open()).ownedBy(owner), [sidecar(name)]);
  assert.deepEqual(troubles, []);
});
