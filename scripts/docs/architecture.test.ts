import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import cruiser from "../../.dependency-cruiser.mjs";

const ROOT = join(import.meta.dirname, "../..");
const TEXT = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");

/** What each package may import, as the rules of `npm run check` say. */
function rules(): ReadonlyMap<string, readonly string[]> {
  const allowed = cruiser.forbidden.flatMap(({ comment }: { comment: string }): (readonly [string, readonly string[]])[] => {
    const [, name, others = ""] = /^packages\/([a-z-]+) may import (.*)\.$/.exec(comment) ?? [];
    return name === undefined ? [] : [[name, others.split(", ").filter((other) => !other.includes(" "))]];
  });
  return new Map(allowed);
}

/** The rows of the picture, the highest first. */
function rows(): readonly (readonly string[])[] {
  const picture = /```\n( {2}cli\n[\s\S]*?)```/.exec(TEXT)?.[1] ?? "";
  return picture.split("\n").flatMap((line) => {
    const names = line.match(/[a-z-]{3,}/g);
    return names === null ? [] : [names];
  });
}

test("the picture has every package once, and no import that goes up or stays in its row", () => {
  const level = new Map(rows().flatMap((names, row) => names.map((name) => [name, row] as const)));
  const packages = globSync("packages/*/package.json", { cwd: ROOT }).map((path) => path.split("/")[1] ?? "");
  assert.deepEqual([...level.keys()].sort(), packages.sort());
  assert.deepEqual([...rules().keys()].sort(), packages);
  for (const [name, others] of rules())
    for (const other of others) assert.ok((level.get(other) ?? -1) > (level.get(name) ?? 99), `${name} imports ${other}`);
});

/** The last column of the package table: what each package depends on. */
function table(): ReadonlyMap<string, readonly string[]> {
  const lines = [...TEXT.matchAll(/^\| `([a-z-]+)` +\| [^|]+ \| ([^|]*) \|$/gm)];
  const names = lines.map(([, name = ""]) => name);
  return new Map(
    lines.map(([, name = "", said = ""], index) => {
      const [, but] = /^all (?:of the above )?but (.*)$/.exec(said.trim()) ?? [];
      const named = (but ?? said).match(/[a-z-]{3,}/g)?.filter((word) => word !== "and") ?? [];
      return [name, but === undefined ? named : names.slice(0, index).filter((each) => !named.includes(each))];
    }),
  );
}

test("issue 14: the package table says what each package depends on: what its package.json names, and what it may import", () => {
  const sorted = (entries: Iterable<readonly [string, readonly string[]]>) =>
    Object.fromEntries([...entries].map(([name, others]) => [name, others.toSorted()]));
  const real = globSync("packages/*/package.json", { cwd: ROOT }).map((path): [string, string[]] => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as { dependencies?: Record<string, string> };
    const ours = Object.keys(dependencies).filter((name) => name.startsWith("@fenceline/"));
    return [path.split("/")[1] ?? "", ours.map((name) => name.slice("@fenceline/".length))];
  });
  assert.deepEqual(sorted(table()), sorted(real));
  assert.deepEqual(sorted(rules()), sorted(real));
});

test("every file and folder that ARCHITECTURE.md names is there", () => {
  const named = [...TEXT.matchAll(/`((?:[a-z][a-z0-9-]*\/)+(?:[a-z0-9.-]+\.[a-z]+)?)`/g)].map(([, path]) => path ?? "");
  const isThere = (path: string) =>
    [path, join("packages", path)].some((each) => existsSync(join(ROOT, each))) ||
    globSync(`packages/*/{src/,}${path}`, { cwd: ROOT }).length > 0;
  assert.ok(named.length > 30);
  assert.deepEqual(
    named.filter((path) => !isThere(path)),
    [],
  );
});

test("issue 14: each of the three ways has five lines, each of them names a file, and every file that is named alone is there", () => {
  const ways = [...TEXT.matchAll(/^The way of an? [^\n]*:\n\n((?:\d\. .*\n)+)/gm)].map(([, lines = ""]) => lines.trim().split("\n"));
  assert.deepEqual(
    ways.map((lines) => lines.length),
    [5, 5, 5],
  );
  for (const line of ways.flat()) assert.match(line, /`[a-z0-9/.-]+\.ts`/);
  const alone = [...TEXT.matchAll(/`([a-z0-9-]+\.ts)`/g)].map(([, name = ""]) => name);
  assert.ok(alone.length > 5);
  assert.deepEqual(
    alone.filter((name) => globSync(`packages/*/src/**/${name}`, { cwd: ROOT }).length === 0),
    [],
  );
});
