import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { parse } from "yaml";
import { toolPath } from "../../scripts/tools/tools.mjs";
import { type ComposeService, PROJECT, parseComposition, projectFile } from "./composition.ts";

/**
 * The composition without containers: the same command lines as processes, on loopback. Only places
 * differ: ports are free ones, paths are in a temporary folder, and every container's name and
 * address is this machine.
 */

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";
const PORTS = ["10000", "9901", "18080", "18081", "18082", "9081", "9082", "9083"];

/** Free ports, all held open until all are known, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function composition(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-compose-"));
  const ports = await freePorts(PORTS.length);
  const portOf = new Map(PORTS.map((port, index) => [port, String(ports[index])]));
  const names = Object.keys(parseComposition(projectFile("docker-compose.yml")).services).join("|");
  const here = (text: string) =>
    text
      .replace(new RegExp(`\\b(${PORTS.join("|")})\\b`, "g"), (port) => portOf.get(port) ?? port)
      .replace(new RegExp(`(address: |http://)(?:${names}|0\\.0\\.0\\.0)\\b`, "g"), "$1127.0.0.1")
      .replace(/10\.89\.77\.\d+|0\.0\.0\.0/g, "127.0.0.1")
      .replace(/(?<=^|[\s=[])\/fences/gm, join(folder, "fences"))
      .replaceAll("/etc/envoy/", `${folder}/`)
      .replaceAll("/app/demo/", `${PROJECT}/docker/demo/`);
  mkdirSync(join(folder, "fences"));
  writeFileSync(join(folder, "fences/mesh.yaml"), here(projectFile("docker/mesh.yaml")));
  writeFileSync(join(folder, "envoy.yaml"), here(projectFile("docker/envoy.yaml")));
  const { services } = parseComposition(here(projectFile("docker-compose.yml")));
  const running: ChildProcess[] = [];
  t.after(async () => {
    for (const child of running.reverse()) await stopped(child, "SIGKILL");
    rmSync(folder, { recursive: true });
  });
  return {
    rendered: (kind: string) => {
      const file = join(folder, `fences/rendered/bookinfo/${kind}-productpage.yaml`);
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    },
    routesFile: join(folder, "fences/envoy/routes.json"),
    port: (port: string) => Number(portOf.get(port)),
    start(name: string): ChildProcess {
      const service = services[name];
      assert.ok(service !== undefined, `no service ${name}`);
      const child = spawn(...commandLine(service), { cwd: PROJECT, stdio: ["ignore", "pipe", "inherit"] });
      running.push(child);
      return child;
    },
  };
}

function commandLine({ entrypoint = ["node", "packages/cli/src/main.ts"], command }: ComposeService): [string, string[]] {
  const [program = "", ...args] = [...entrypoint, ...command];
  if (program === "node") return [process.execPath, args];
  // Several Envoys on one machine share memory by number, unless told not to restart hot.
  return [binary ?? program, [...args, "--disable-hot-restart"]];
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = await exited;
  return code;
}

/** Whether somebody is there and says yes. */
function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function call(
  port: number,
  host: string,
): Promise<{ readonly status: number | undefined; readonly hop: unknown; readonly body: string }> {
  const [response] = await once(request({ host: "127.0.0.1", port, headers: { host }, agent: false }).end(), "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, hop: response.headers["x-demo-hop"], body: Buffer.concat(chunks).toString() };
}

/**
 * What a process has printed so far. The pipe is kept open and empty to its end: one that breaks
 * would end the process.
 */
function outputOf(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

test("the composition's command lines, as processes: the first call takes the fallback, the next go direct, and everything ends on SIGTERM", {
  skip,
}, async (t) => {
  const { start, port, rendered, routesFile } = await composition(t);
  const fenceline = start("fenceline");
  fenceline.stdout?.resume();
  await until(() => answers(`http://127.0.0.1:${port("18082")}/readyz`));
  const istiod = start("istiod");
  await until(() => existsSync(routesFile));
  const services = ["details", "reviews", "ratings"].map(start);
  const envoy = start("envoy");
  await until(() => answers(`http://127.0.0.1:${port("9901")}/ready`));

  await until(() => answers(`http://127.0.0.1:${port("9083")}`));

  assert.deepEqual(await call(port("10000"), "ratings:80"), { status: 200, hop: "fallback", body: "ratings\n" });
  await until(async () => {
    const { status, hop } = await call(port("10000"), "ratings:80");
    assert.equal(status, 200);
    return hop === "direct";
  });

  const productpage = start("productpage");
  const lines = outputOf(productpage);
  await until(() => lines().includes("details:80 200 direct\n"));
  assert.match(rendered("Sidecar"), /bookinfo\/details\.bookinfo\.svc\.cluster\.local/);
  for (const child of [productpage, envoy, istiod, ...services, fenceline]) assert.equal(await stopped(child, "SIGTERM"), 0);
});

test("docker/envoy.yaml logs what the rendered EnvoyFilter of the demo's fence says", async (t) => {
  const { start, port, rendered } = await composition(t);
  start("fenceline").stdout?.resume();
  await until(() => answers(`http://127.0.0.1:${port("18082")}/readyz`));
  const filter = await until(() => parse(rendered("EnvoyFilter")));
  const patch = filter.spec.configPatches.find(({ applyTo }: { applyTo: string }) => applyTo === "NETWORK_FILTER").patch.value.typed_config;
  const [listener] = parse(projectFile("docker/envoy.yaml")).static_resources.listeners;
  const manager = listener.filter_chains[0].filters[0].typed_config;
  assert.deepEqual({ "@type": manager["@type"], access_log_options: manager.access_log_options, access_log: manager.access_log }, patch);
});
