import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FencelineError, SERVICE_FENCE } from "@fenceline/api";
import { until as waitUntil } from "@fenceline/api/testing";
import { DirectoryStore } from "./directory-store.ts";
import { MAX_TEXT_BYTES } from "./read-text.ts";

const fence = (name: string, more = "") =>
  `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: ${name}, namespace: test1}\nspec: {enable: true${more}}\n`;

async function open(t: TestContext, prepare: (folder: string) => void) {
  const outer = mkdtempSync(join(tmpdir(), "fenceline-manifests-"));
  const folder = join(outer, "folder");
  mkdirSync(folder);
  prepare(folder);
  const refused: { readonly error: FencelineError; readonly kept: boolean }[] = [];
  const ignored: string[] = [];
  /** Names of the fences after each change. */
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const wake = () => waiting.splice(0).forEach((resolve) => void resolve());
  const store = await DirectoryStore.open({
    folder,
    onRefused: (error, kept) => {
      refused.push({ error, kept });
      wake();
    },
    onIgnored: (file, reason, count) => void ignored.push(`${file}: ${reason} ×${count}`),
  });
  const names = () =>
    store
      .snapshot()
      .of(SERVICE_FENCE)
      .map(({ metadata }) => metadata.name)
      .sort()
      .join();
  store.onChange(() => {
    seen.push(names());
    wake();
  });
  t.after(async () => {
    await store.close();
    rmSync(outer, { recursive: true, force: true });
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { folder, store, refused, ignored, seen, names, until };
}

test("T-50 .json and endings in capitals are read, links too; editors' files are not", async (t) => {
  const { names, refused } = await open(t, (folder) => {
    writeFileSync(join(folder, "a.YAML"), fence("a"));
    writeFileSync(join(folder, "b.Yml"), fence("b"));
    writeFileSync(
      join(folder, "c.Json"),
      JSON.stringify({
        apiVersion: "microservice.slime.io/v1alpha1",
        kind: "ServiceFence",
        metadata: { name: "c", namespace: "test1" },
        spec: {},
      }),
    );
    writeFileSync(join(folder, "../elsewhere"), fence("d"));
    symlinkSync("../elsewhere", join(folder, "d.yaml"));
    symlinkSync("nowhere", join(folder, "e.yaml"));
    for (const name of [".#a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#", "4913", "a.yaml.bak", "x.yaml.tmp"])
      writeFileSync(join(folder, name), "{");
  });
  assert.equal(names(), "a,b,c,d");
  assert.deepEqual(refused, []);
});

test("T-50 kustomizations, other kinds and folders are left alone, and told so", async (t) => {
  const { names, ignored } = await open(t, (folder) => {
    writeFileSync(join(folder, "kustomization.yaml"), "resources: [a.yaml]\n");
    writeFileSync(join(folder, "Kustomization"), "resources: [a.yaml]\n");
    const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    writeFileSync(
      join(folder, "a.yaml"),
      [fence("a"), other, other, "apiVersion: v1\nkind: Service\nmetadata: {generateName: x-}\n"].join("---\n"),
    );
    mkdirSync(join(folder, "more"));
    writeFileSync(join(folder, "more/b.yaml"), fence("b"));
    mkdirSync(join(folder, "c.yaml"));
    for (const ours of ["state", "rendered", ".git"]) mkdirSync(join(folder, ours));
  });
  assert.equal(names(), "a");
  assert.deepEqual(ignored.sort(), [
    "a.yaml: another kind: ConfigMap ×2",
    "a.yaml: has no name, but generateName: Service ×1",
    "c.yaml: a folder: only files beside it are read ×1",
    "kustomization.yaml: a kustomization ×1",
    "more: a folder: only files beside it are read ×1",
  ]);
});

test("T-50 what is no readable text is refused, holds up nothing, and keeps what was there", async (t) => {
  const { folder, names, refused, until } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a")));
  const cases: Readonly<Record<string, (path: string) => void>> = {
    "it is no file but a pipe": (path) => execFileSync("mkfifo", [path]),
    "it is larger than 8 MiB": (path) => writeFileSync(path, Buffer.alloc(MAX_TEXT_BYTES + 1, "#")),
    "it is no UTF-8 text": (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x61, 0x00])),
    "has links that lead in a circle (put the file itself there)": (path) => symlinkSync("a.yaml", path),
    "a pipe, a socket or a device": (path) => symlinkSync("/dev/zero", path),
    ...(process.getuid?.() !== 0 && {
      "may not be read by user": (path: string) => {
        writeFileSync(path, fence("z"));
        chmodSync(path, 0o000);
      },
    }),
  };
  for (const [reason, make] of Object.entries(cases)) {
    rmSync(join(folder, "a.yaml"));
    make(join(folder, "a.yaml"));
    const isTold = () => refused.some(({ error, kept }) => kept && error.code === "FILE_UNREADABLE" && error.message.includes(reason));
    await until(isTold);
    assert.equal(names(), "a", reason);
  }
  const server = createServer().listen(join(folder, "socket.yaml"));
  t.after(() => server.close());
  writeFileSync(join(folder, "b.yaml"), fence("b"));
  await until(() => names() === "a,b" && refused.some(({ error }) => error.at.file === "socket.yaml"));
});

test("T-50 an object moves from one file to another, in either order, and two files may swap theirs", async (t) => {
  const { folder, names, until, store } = await open(t, (path) => {
    writeFileSync(join(path, "a.yaml"), fence("one"));
    writeFileSync(join(path, "b.yaml"), fence("two"));
  });
  const mode = () =>
    store
      .snapshot()
      .of(SERVICE_FENCE)
      .map(({ metadata: { name }, spec }) => `${name}${spec.mode ?? ""}`)
      .sort()
      .join();
  writeFileSync(join(folder, "a.yaml"), fence("two", ", mode: Observe"));
  writeFileSync(join(folder, "b.yaml"), fence("one", ", mode: Observe"));
  await until(() => mode() === "oneObserve,twoObserve");
  renameSync(join(folder, "a.yaml"), join(folder, "z.yaml"));
  writeFileSync(join(folder, "c.yaml"), fence("c"));
  await until(() => names() === "c,one,two");
  rmSync(join(folder, "z.yaml"));
  await until(() => names() === "c,one");
});

test("T-50 a new file that defines what another has is refused, whatever their names; the object is there once", async (t) => {
  const { folder, names, refused, until } = await open(t, (path) => writeFileSync(join(path, "m.yaml"), fence("a")));
  for (const name of ["a.yaml", "z.yaml"]) {
    writeFileSync(join(folder, name), fence("a", ", mode: Observe"));
    await until(() => refused.some(({ error, kept }) => !kept && error.at.file === name && /m\.yaml already/.test(error.message)));
    assert.equal(names(), "a");
  }
});

test("T-50 a folder that disappears is told once and changes nothing; when it is back, it is read and watched again", async (t) => {
  const { folder, names, refused, seen, store, until } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a")));
  renameSync(folder, `${folder}.away`);
  await until(() => refused.length > 0);
  assert.deepEqual([refused[0]?.error.code, refused[0]?.kept], ["DIRECTORY_UNREADABLE", true]);
  assert.match(refused[0]?.error.message ?? "", /folder: does not exist \(/);
  const obstacle = await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "a" }, { domains: {} });
  assert.deepEqual([obstacle?.reason, obstacle?.kind], ["WriteFailed", "ServiceFence"]);
  assert.deepEqual([names(), seen], ["a", []]);
  renameSync(`${folder}.away`, folder);
  writeFileSync(join(folder, "b.yaml"), fence("b"));
  await until(() => names() === "a,b");
  assert.equal(await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "a" }, { domains: {} }), undefined);
  // The watch, and not the next look after some seconds.
  const began = performance.now();
  writeFileSync(join(folder, "c.yaml"), fence("c"));
  await until(() => names() === "a,b,c");
  assert.ok(performance.now() - began < 4_000);
  assert.equal(refused.length, 1);
});

test("T-50 what cannot be written is an obstacle that a person has to remove", async (t) => {
  const { folder, store } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a")));
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "state/test1"), "in the way");
  const obstacle = await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "a" }, { domains: {} });
  assert.equal(obstacle?.reason, "WriteFailed");
  assert.match(obstacle?.message ?? "", /ENOTDIR|EEXIST/);
});

test("T-21 a file that is emptied and then written whole, or cut off for a moment, takes nothing away", async (t) => {
  const { folder, names, refused, seen, until } = await open(t, (path) =>
    writeFileSync(join(path, "a.yaml"), `${fence("a")}---\n${fence("b")}`),
  );
  for (const cut of ["", fence("a"), fence("a").slice(0, 30)]) {
    writeFileSync(join(folder, "a.yaml"), cut);
    writeFileSync(join(folder, `other-${cut.length}.yaml`), fence(`c${cut.length}`));
    // Other files are taken at once, so the folder has been looked at.
    await until(() => names().includes(`c${cut.length}`));
    assert.ok(names().startsWith("a,b,"), names());
    writeFileSync(join(folder, "a.yaml"), `${fence("a")}---\n${fence("b", `, maxHosts: ${1 + cut.length}`)}`);
    await until(() => seen.length > 0);
  }
  assert.deepEqual(
    seen.filter((each) => !each.startsWith("a,b")),
    [],
  );
  assert.deepEqual(refused, []);
});

test("T-21 a start over a file that is empty for the moment takes away nothing of its fences", async (t) => {
  const of = { kind: "ServiceFence", namespace: "test1", name: "a" };
  const { folder, store } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a")));
  await store.writeStatus(of, { domains: {} });
  await store.apply({
    action: "create",
    owner: of,
    object: {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "Sidecar",
      metadata: { namespace: "test1", name: "a", labels: {} },
      spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts: ["./*"] }] },
    },
  });
  await store.close();
  const start = async (text: string) => {
    writeFileSync(join(folder, "a.yaml"), text);
    return await goneAtStart(folder);
  };
  const written = setTimeout(() => writeFileSync(join(folder, "a.yaml"), fence("a")), 300);
  t.after(() => clearTimeout(written));
  assert.deepEqual(await start(""), []);
  assert.deepEqual(await start(""), [], "Helm may take longer than a start waits");
  assert.deepEqual(await start("# nothing\n"), [of]);
  writeFileSync(join(folder, "a.yaml"), "");
  utimesSync(join(folder, "a.yaml"), new Date(0), new Date(0));
  assert.deepEqual(await goneAtStart(folder), [of], "one that was empty before is believed");
});

/** Closes again before the folder goes, which it would tell. */
async function goneAtStart(folder: string) {
  const store = await DirectoryStore.open({ folder, onRefused: assert.fail });
  const gone = store.goneOwners(SERVICE_FENCE);
  await store.close();
  return gone;
}

test("T-21 a start over a file that Helm fills later keeps what is rendered and learned, and deletes what is not in it then", async (t) => {
  const { folder, store } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), `${fence("a")}---\n${fence("b")}`));
  for (const name of ["a", "b"]) await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name }, { domains: {} });
  await store.close();
  writeFileSync(join(folder, "a.yaml"), "");
  const next = await DirectoryStore.open({ folder, onRefused: assert.fail });
  t.after(() => next.close());
  assert.deepEqual([next.snapshot().of(SERVICE_FENCE).length, next.goneOwners(SERVICE_FENCE)], [0, []]);
  writeFileSync(join(folder, "a.yaml"), fence("a"));
  await waitUntil(() => next.snapshot().of(SERVICE_FENCE).length === 1);
  assert.deepEqual(
    next.goneOwners(SERVICE_FENCE).map(({ name }) => name),
    ["b"],
  );
});

test("T-21 a start over a file of which a half is written takes away nothing of the fences in the other half", async (t) => {
  const { folder, store } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), `${fence("a")}---\n${fence("b")}`));
  await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "b" }, { domains: {} });
  await store.close();
  writeFileSync(join(folder, "a.yaml"), fence("a"));
  const written = setTimeout(() => writeFileSync(join(folder, "a.yaml"), `${fence("a")}---\n${fence("b")}`), 300);
  t.after(() => clearTimeout(written));
  assert.deepEqual(await goneAtStart(folder), []);
});

test("T-26 an entry that is no file, or too large, costs itself alone at the start too, and is told", async (t) => {
  const { names, refused } = await open(t, (folder) => {
    writeFileSync(join(folder, "a.yaml"), fence("a"));
    mkdirSync(join(folder, "b.yaml"));
    execFileSync("mkfifo", [join(folder, "c.yaml")]);
    symlinkSync("/dev/zero", join(folder, "d.yaml"));
    symlinkSync("e.yaml", join(folder, "e.yaml"));
    writeFileSync(join(folder, "f.yaml"), Buffer.alloc(9 * 1024 * 1024, "#"));
    writeFileSync(join(folder, "g.yaml"), fence("g"));
  });
  assert.equal(names(), "a,g");
  assert.deepEqual(
    refused.map(({ error, kept }) => [error.code, error.at.file, kept]).sort(),
    ["c.yaml", "d.yaml", "e.yaml", "f.yaml"].map((file) => ["FILE_UNREADABLE", file, false]),
  );
});

test("T-20 a kind of others is told once, however often its file changes", async (t) => {
  const other = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
  const { folder, names, ignored, until } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a") + other));
  for (const name of ["b", "c"]) {
    writeFileSync(join(folder, "a.yaml"), `${fence("a")}---\n${fence(name)}${other}`);
    await until(() => names().includes(name));
  }
  assert.deepEqual(ignored, ["a.yaml: another kind: ConfigMap ×1"]);
});

test("T-20 a typing error in the kind or apiVersion of a fence that runs is refused, and the fence stays", async (t) => {
  const { folder, names, refused, until } = await open(t, (path) => writeFileSync(join(path, "a.yaml"), fence("a")));
  const cases = [
    [/kind: ServiceFence/, "kind: ServiceFenc", "MANIFEST_KIND_UNKNOWN"],
    [/v1alpha1/, "v1alpha11", "FENCE_INVALID"],
    [/slime\.io/, "slime.oi", "FENCE_INVALID"],
  ] as const;
  for (const [what, by, code] of cases) {
    const count = refused.length;
    writeFileSync(join(folder, "a.yaml"), fence("a").replace(what, by));
    await until(() => refused.length > count);
    assert.deepEqual([refused.at(-1)?.kept, names()], [true, "a"]);
    assert.match(refused.at(-1)?.error.message ?? "", new RegExp(code));
  }
});
