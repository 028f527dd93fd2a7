import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, matchesGlob, relative } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { promptEnvironment } from "../../scripts/install/npm.mjs";
import { PROJECT, projectFile } from "../compose/composition.ts";
import { argumentsOf, readDockerfile } from "./dockerfile.ts";

const { head, stages } = readDockerfile();
const stage = (name: string) => {
  const found = stages.find((one) => one.name === name);
  assert.ok(found !== undefined, `the Dockerfile has no stage ${name}`);
  return found;
};

test("T-53 the base image is an argument, by default the Node that the project runs on", () => {
  const major = JSON.parse(projectFile("package.json")).devDependencies.node.match(/\d+/)[0];
  assert.deepEqual(argumentsOf(head, "ARG"), [`BASE=node:${major}-slim`]);
  const names = stages.map(({ name }) => name);
  for (const { from } of stages) assert.ok(/^\$\{BASE\}$/.test(from) || names.includes(from), from);
});

test("both images run as a numeric user that is not root", () => {
  for (const name of ["global-sidecar", "fenceline"]) {
    const [kind, user] = stage(name).instructions.at(-1) ?? [];
    assert.equal(kind, "USER");
    assert.match(user ?? "", /^[1-9]\d*:[1-9]\d*$/);
  }
  assert.equal(stages.at(-1)?.name, "fenceline");
  assert.deepEqual(argumentsOf(stage("runtime").instructions, "ENTRYPOINT"), ['["node", "packages/cli/src/main.ts"]']);
});

/** Most megabytes beside Node, about a tenth more than there are. */
const IMAGES = [
  { name: "global-sidecar", carries: ["@grpc/grpc-js"], lacks: ["@kubernetes/client-node"], mostMegabytes: 24 },
  { name: "fenceline", carries: ["@grpc/grpc-js", "@kubernetes/client-node"], lacks: [], mostMegabytes: 62 },
] as const;

/** How each command of an image is started, and the line by which it says that it runs. */
const COMMANDS: Readonly<Record<(typeof IMAGES)[number]["name"], (api: string, folder: string) => Readonly<Record<string, string[]>>>> = {
  "global-sidecar": () => ({ "global sidecar is up": GLOBAL_SIDECAR }),
  fenceline: (api, folder) => ({
    "global sidecar is up": GLOBAL_SIDECAR,
    "collector is up": [
      "collector",
      "--namespace",
      "fenceline",
      "--kubeconfig",
      api,
      "--host",
      "127.0.0.1",
      "--als-port",
      "0",
      "--api-port",
      "0",
    ],
    "fenceline is up": [
      "standalone",
      "--dir",
      folder,
      "--no-demo",
      "--host",
      "127.0.0.1",
      "--proxy-port",
      "0",
      "--als-port",
      "0",
      "--api-port",
      "0",
    ],
    EnvoyFilter: ["withdraw", "--namespace", "fenceline", "--kubeconfig", api],
  }),
};
const GLOBAL_SIDECAR = [
  "global-sidecar",
  "--collector",
  "127.0.0.1:1",
  "--host",
  "127.0.0.1",
  "--port",
  "0",
  "--admin-port",
  "0",
  "--drain-delay",
  "1ms",
];

for (const { name, carries, lacks, mostMegabytes } of IMAGES) {
  test(`T-53 image ${name} carries what its commands need and no more than ${mostMegabytes} MB, and they run`, async (t) => {
    const app = buildImage(t, name);

    assert.deepEqual(readdirSync(app).sort(), ["LICENSE", "node_modules", "package-lock.json", "package.json", "packages"]);
    const files = readdirSync(app, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name: file }) => relative(app, join(parentPath, file)));
    const unwanted = paths.filter((path) =>
      /\.(map|d\.[cm]?ts)$|^packages\/.*(\.test\.ts$|\/(testing|testdata|behaviour|conformance)\/)/.test(path),
    );
    assert.deepEqual(unwanted, []);
    for (const wanted of carries) assert.ok(existsSync(join(app, "node_modules", wanted)), wanted);
    for (const path of [...lacks.map((other) => `node_modules/${other}`), ...developmentPackages()])
      assert.ok(!existsSync(join(app, path)), path);
    const bytes = paths.reduce((sum, path) => sum + statSync(join(app, path)).size, 0);
    t.diagnostic(`${(bytes / 1e6).toFixed(1)} MB`);
    assert.ok(bytes <= mostMegabytes * 1e6, `${(bytes / 1e6).toFixed(1)} MB`);

    const server = await FakeApiServer.start(t);
    const commands = COMMANDS[name](kubeconfig(t, server.url), join(app, "fences"));
    for (const [line, args] of Object.entries(commands)) await runs(app, args, line);
  });
}

/** Runs a command until it says so, and ends it; a withdrawal ends by itself. */
async function runs(app: string, args: readonly string[], line: string): Promise<void> {
  const child = spawn(process.execPath, ["packages/cli/src/main.ts", ...args], { cwd: app, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const lines: string[] = [];
  for await (const said of createInterface({ input: child.stdout })) {
    lines.push(said);
    if (said.includes(line) && args[0] !== "withdraw") child.kill("SIGTERM");
  }
  assert.deepEqual([await ended, lines.some((said) => said.includes(line))], [[0, null], true], lines.join("\n"));
}

/** What the lock file says is for development alone. */
function developmentPackages(): string[] {
  const { packages } = JSON.parse(projectFile("package-lock.json")) as { packages: Record<string, { readonly dev?: boolean }> };
  const development = Object.entries(packages).flatMap(([path, { dev }]) => (dev === true ? [path] : []));
  assert.ok(development.includes("node_modules/typescript"));
  return development;
}

function kubeconfig(t: TestContext, url: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-image-api-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clusters = [{ name: "c", cluster: { server: url, "insecure-skip-tls-verify": true } }];
  const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
  const users = [{ name: "u", user: { token: "letmein" } }];
  const file = join(folder, "kubeconfig");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, users, contexts, "current-context": "x" }));
  return file;
}

/**
 * Does in a folder what the Dockerfile does in the stage whose files the image takes over: copies
 * what .dockerignore lets through, and runs its commands. Returns the folder.
 */
function buildImage(t: TestContext, image: string): string {
  const app = mkdtempSync(join(tmpdir(), "fenceline-image-"));
  t.after(() => rmSync(app, { recursive: true }));
  const [from = "", source] = /^--from=(\S+) (\S+) \.\/$/.exec(argumentsOf(stage(image).instructions, "COPY")[0] ?? "")?.slice(1) ?? [];
  assert.deepEqual([source, argumentsOf(stage(image).instructions, "COPY").length], ["/app", 1], "the image takes over one folder");
  const copied = argumentsOf(stage("sources").instructions, "COPY").flatMap((argument) => argument.split(" ").slice(0, -1));
  for (const file of copied) cpSync(join(PROJECT, file), join(app, file), { recursive: true, filter: (path) => !isIgnored(path) });
  const env = { ...promptEnvironment(process.env, PROJECT), npm_config_prefer_offline: "true" };
  for (const command of argumentsOf(stage(from).instructions, "RUN").map((argument) => argument.replace(/^--mount=\S+\s+/, ""))) {
    const { status, stderr } = spawnSync("sh", ["-euc", command], { cwd: app, env, encoding: "utf8", timeout: 150_000 });
    assert.equal(status, 0, `${command}\n${stderr}`);
  }
  return app;
}

/** Whether .dockerignore keeps a path out, of those that it lets in by their name. */
function isIgnored(path: string): boolean {
  const patterns = projectFile(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("**/"));
  assert.ok(patterns.length > 0);
  return patterns.some((pattern) => matchesGlob(basename(path), pattern.slice(3)));
}
