/**
 * The servers that get the same requests, each in front of an upstream of its own that records what
 * reaches it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { toAddress } from "../src/resolve/resolver.ts";
import { startProxy } from "../src/testing/proxy-under-test.ts";
import { unusedPort } from "../src/testing/upstream.ts";
import { envoyConfiguration, nginxConfiguration } from "./peer-configuration.ts";
import { type RecordingUpstream, startRecordingUpstream } from "./recording-upstream.ts";

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly upstream: RecordingUpstream;
}

const START_MS = 20_000;
const LOOK_AGAIN_MS = 10;

/**
 * Our proxy. Every host is a service with the upstream as its endpoint, so that what decides is the
 * request's form.
 */
export async function startFenceline(t: TestContext): Promise<Server> {
  const upstream = await startRecordingUpstream(t);
  const addresses = [toAddress("127.0.0.1", upstream.port)];
  const { port } = await startProxy(t, {}, { resolver: { resolve: () => addresses } });
  return { name: "Fenceline", port, upstream };
}

/** Envoy with its defaults, as a sidecar has them, and one static cluster for all hosts. */
export async function startEnvoy(t: TestContext, binary: string): Promise<Server> {
  const upstream = await startRecordingUpstream(t);
  const port = await startEnvoyTo(t, binary, upstream.port);
  return { name: "Envoy", port, upstream };
}

/** The same in front of an upstream that is there. @returns the port that it listens on */
export async function startEnvoyTo(t: TestContext, binary: string, upstreamPort: number): Promise<number> {
  const port = await unusedPort();
  const folder = temporaryFolder(t);
  const file = join(folder, "envoy.json");
  writeFileSync(file, JSON.stringify(envoyConfiguration(port, upstreamPort)));
  await start(t, binary, ["-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "critical"], port);
  return port;
}

/** nginx with its defaults, and `proxy_pass` for all hosts. */
export async function startNginx(t: TestContext, binary: string): Promise<Server> {
  const upstream = await startRecordingUpstream(t);
  const port = await unusedPort();
  const folder = temporaryFolder(t);
  const file = join(folder, "nginx.conf");
  writeFileSync(file, nginxConfiguration(folder, port, upstream.port));
  await start(t, binary, ["-c", file, "-p", folder, "-e", "stderr"], port);
  return { name: "nginx", port, upstream };
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-conformance-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a program and resolves when it listens. */
async function start(t: TestContext, binary: string, args: string[], port: number): Promise<void> {
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = `${errors}${text}`.slice(-2_000);
  });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  // Neither gives an event to wait for.
  for (const deadline = Date.now() + START_MS; !(await accepts(port)); await pause(LOOK_AGAIN_MS)) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${binary} does not listen: ${errors}`);
  }
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
  }).then((accepted) => {
    socket.destroy();
    return accepted === true;
  });
}
