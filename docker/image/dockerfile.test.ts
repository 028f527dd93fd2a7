import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
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

test("T-53 the image of the global sidecar carries no client of the API server, and runs", async (t) => {
  const app = buildStage(t, "global-sidecar-dependencies");
  const carried = readdirSync(join(app, "node_modules"));
  assert.ok(carried.includes("@grpc"), "what it does need is there");
  assert.ok(!carried.includes("@kubernetes"));

  const flags = ["--collector", "127.0.0.1:1", "--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--drain-delay", "1ms"];
  const child = spawn(process.execPath, ["packages/cli/src/main.ts", "global-sidecar", ...flags], {
    cwd: app,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes("global sidecar is up")) child.kill("SIGTERM");
  }
  assert.deepEqual(await ended, [0, null]);
});

test("the other image carries what every command needs", () => {
  const [install] = argumentsOf(stage("dependencies").instructions, "RUN");
  assert.match(install ?? "", /npm ci --omit=dev /);
  assert.doesNotMatch(install ?? "", /--omit=optional/);
});

/**
 * Does in a folder what the Dockerfile does in a stage: copies what .dockerignore lets through, and
 * runs its commands. Returns the folder.
 */
function buildStage(t: TestContext, name: string): string {
  const app = mkdtempSync(join(tmpdir(), "fenceline-image-"));
  t.after(() => rmSync(app, { recursive: true }));
  const isIgnored = (path: string) => /\/node_modules$|\.test\.ts$|\/testing$|\/testdata$/.test(path);
  for (const file of ["package.json", "package-lock.json", "packages"]) {
    cpSync(join(PROJECT, file), join(app, file), { recursive: true, filter: (source) => !isIgnored(source) });
  }
  const env = { ...promptEnvironment(process.env, PROJECT), npm_config_prefer_offline: "true" };
  for (const command of argumentsOf(stage(name).instructions, "RUN").map((argument) => argument.replace(/^--mount=\S+\s+/, ""))) {
    const { status, stderr } = spawnSync("sh", ["-euc", command], { cwd: app, env, encoding: "utf8", timeout: 150_000 });
    assert.equal(status, 0, `${command}\n${stderr}`);
  }
  return app;
}
