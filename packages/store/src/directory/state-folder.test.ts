import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { OWN_KINDS, type ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { StateFolder, type StateFolderOptions } from "./state-folder.ts";

const HOUR = 3_600_000;
const of = (name: string) => ({ kind: "ServiceFence", namespace: "test1", name });
const status = (...hosts: string[]) => ({ domains: Object.fromEntries(hosts.map((host) => [host, { source: "learned" }])) });

/** A folder, and times that a test sets: `wall` jumps, `clock` does not. */
function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-state-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const times = { wall: Date.parse("2026-01-01T00:00:00Z"), clock: 0 };
  const start = async (options: Partial<StateFolderOptions> = {}) => {
    const state = new StateFolder(folder, { keepFor: 24 * HOUR, now: () => times.wall, clock: () => times.clock, ...options });
    t.after(() => state.close());
    await state.load(OWN_KINDS, assert.fail);
    return state;
  };
  const file = (name: string) => join(folder, "test1", `ServiceFence-${name}.yaml`);
  return { folder, times, start, file };
}

const hosts = (value: object | undefined) => value && Object.keys((value as ServiceFenceStatus).domains);

test("T-20 the state of a deleted object is kept for the grace period, over a restart, and belongs to whoever comes back", async (t) => {
  const { times, start, file } = setUp(t);
  const first = await start();
  await first.put(of("a"), status("b.test1"));
  await first.delete(of("a"));
  assert.deepEqual([hosts(first.get(of("a"))), first.owners()], [["b.test1"], []]);
  assert.match(readFileSync(file("a"), "utf8"), /^# .*delete it to forget\. Its object was deleted\.\ndeletedAt: "?2026-01-01T00:00:00/);
  await first.close();
  times.wall += 23 * HOUR;
  const second = await start();
  assert.equal(second.adopt(of("a")), true);
  await second.close();
  assert.doesNotMatch(readFileSync(file("a"), "utf8"), /deleted/);
  times.wall += 100 * HOUR;
  assert.deepEqual(hosts((await start()).get(of("a"))), ["b.test1"], "it is a living object's again");
});

test("T-20 after the grace period it is forgotten, by a start and while one runs", async (t) => {
  const { times, start, file } = setUp(t);
  const first = await start();
  for (const name of ["a", "b"]) await first.put(of(name), status("b.test1"));
  await first.delete(of("a"));
  times.clock += 24 * HOUR;
  assert.deepEqual([first.get(of("a")), first.adopt(of("a"))], [undefined, false]);
  await first.delete(of("b"));
  assert.equal(existsSync(file("a")), false);
  await first.close();
  times.wall += 25 * HOUR;
  await start();
  assert.equal(existsSync(file("b")), false);
});

test("T-20 a timer forgets it, without anybody asking", async (t) => {
  const { start, file } = setUp(t);
  const state = await start({ keepFor: 50, clock: () => performance.now() });
  await state.put(of("a"), status("b.test1"));
  await state.delete(of("a"));
  await until(() => !existsSync(file("a")));
});

test("T-20 the states of deleted objects are bounded in number and length, and the one deleted first goes", async (t) => {
  const { folder, start } = setUp(t);
  const few = await start({ most: 2 });
  for (const name of ["c", "a", "b", "living"]) await few.put(of(name), status("b.test1"));
  for (const name of ["c", "a", "b"]) await few.delete(of(name));
  const files = () => readdirSync(join(folder, "test1")).map((name) => /ServiceFence-(.*)\.yaml/.exec(name)?.[1]);
  assert.deepEqual(files(), ["a", "b", "living"]);
  await few.close();
  const small = await start({ mostText: 600 });
  await small.put(of("d"), status(...Array.from({ length: 10 }, (_, n) => `h${n}.test1`)));
  await small.delete(of("d"));
  assert.deepEqual(files(), ["d", "living"]);
});

test("T-20 with no grace period it is forgotten at once; one of an object that never had any is nothing", async (t) => {
  const { start, file } = setUp(t);
  const state = await start({ keepFor: 0 });
  await state.put(of("a"), status("b.test1"));
  await state.delete(of("a"));
  await state.delete(of("never"));
  assert.deepEqual([existsSync(file("a")), existsSync(file("never"))], [false, false]);
});

test("T-20 a state in which nothing was learned goes with its object", async (t) => {
  const { start, file } = setUp(t);
  const state = await start();
  await state.put(of("a"), { domains: { "b.test1": { source: "static", status: "ACTIVE" } }, conditions: [] });
  await state.delete(of("a"));
  assert.equal(existsSync(file("a")), false);
});

test("T-20 T-27 a deletion that lies in the future counts as now: the wall clock was set back", async (t) => {
  const { times, start } = setUp(t);
  const first = await start();
  await first.put(of("a"), status("b.test1"));
  await first.delete(of("a"));
  await first.close();
  times.wall -= 1_000 * HOUR;
  const second = await start();
  times.clock += 23 * HOUR;
  assert.deepEqual(hosts(second.get(of("a"))), ["b.test1"]);
  times.clock += HOUR;
  assert.equal(second.get(of("a")), undefined);
});

test("T-26 an object whose name is too long for a file has one by a hash, and is found again", async (t) => {
  const { folder, start } = setUp(t);
  const long = `a${"b".repeat(251)}`;
  const first = await start();
  await first.put(of(`${long}1`), status("one.test1"));
  await first.put(of(`${long}2`), status("two.test1"));
  for (const name of readdirSync(join(folder, "test1"))) assert.ok(Buffer.byteLength(name) <= 237, name);
  await first.close();
  const second = await start();
  assert.deepEqual([hosts(second.get(of(`${long}1`))), hosts(second.get(of(`${long}2`)))], [["one.test1"], ["two.test1"]]);
});

/** A folder that says which states somebody deleted. */
async function watched(t: TestContext, options: Partial<StateFolderOptions> = {}) {
  const { start, ...rest } = setUp(t);
  const state = await start(options);
  const told: string[] = [];
  state.onDeleted(({ name }) => void told.push(name));
  state.watch();
  return { ...rest, start, state, told };
}

test("issue 16 a file that somebody deletes is told when something was learned, once, and is written again when nothing was", async (t) => {
  const { state, told, file } = await watched(t);
  await state.put(of("a"), status("b.test1"));
  await state.put(of("nothing"), { domains: {} });
  rmSync(file("nothing"));
  await until(() => existsSync(file("nothing")));
  rmSync(file("a"));
  await until(() => told.length > 0);
  await state.put(of("a"), { domains: {} });
  rmSync(file("nothing"));
  await until(() => existsSync(file("nothing")));
  assert.deepEqual([told, existsSync(file("a"))], [["a"], true]);
});

test("issue 16 a deletion is not lost to a write that comes before it was seen", async (t) => {
  const { start, file } = setUp(t);
  const state = await start();
  const told: string[] = [];
  state.onDeleted(({ name }) => void told.push(name));
  await state.put(of("a"), status("b.test1"));
  rmSync(file("a"));
  await state.put(of("a"), status("b.test1", "c.test1"));
  assert.deepEqual(told, ["a"]);
});

test("issue 16 T-20 of a deleted object the file is the grace period: without it nothing is kept, whoever comes first", async (t) => {
  const { state, told, file } = await watched(t);
  for (const name of ["a", "b"]) await state.put(of(name), status("b.test1"));
  await state.delete(of("a"));
  rmSync(file("a"));
  await until(() => told.length > 0);
  assert.deepEqual([told, state.get(of("a")), state.adopt(of("a"))], [["a"], undefined, false]);
  rmSync(file("b"));
  await state.delete(of("b"));
  assert.deepEqual([told, state.get(of("b"))], [["a", "b"], undefined]);
});

for (const [what, damage] of Object.entries<(file: string) => void>({
  "is emptied": (file) => writeFileSync(file, ""),
  "is a directory": (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  "is gone with its folder": (file) => rmSync(dirname(file), { recursive: true }),
  "is gone with all of them": (file) => rmSync(join(file, "../.."), { recursive: true }),
  "is behind a link": (file) => {
    renameSync(dirname(file), `${dirname(file)}.moved`);
    symlinkSync(tmpdir(), dirname(file));
  },
}))
  test(`issue 16 T-22 a state file that ${what} forgets nothing`, async (t) => {
    const { state, told, file } = await watched(t);
    for (const name of ["a", "nothing"]) await state.put({ ...of(name), namespace: name }, status("b.test1"));
    const [damaged, deleted] = ["a", "nothing"].map((name) => file(name).replace("test1", name)) as [string, string];
    damage(damaged);
    if (existsSync(deleted)) {
      rmSync(deleted);
      await until(() => told.length > 0);
    }
    await state.close();
    assert.deepEqual([hosts(state.get({ ...of("a"), namespace: "a" })), told.filter((name) => name === "a")], [["b.test1"], []]);
  });
