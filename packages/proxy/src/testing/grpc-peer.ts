import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";

const binary = toolPath("grpc-peer");

/** For the `skip` of a test that needs it. */
export const NO_GRPC_PEER =
  binary === undefined && process.env.CI !== "true" && "no grpc-peer here: scripts/tools/install.mjs grpc-peer could not build it";

/** What `call` and `post` print. */
export interface PeerReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly trailed: number;
  readonly whole: number;
  readonly detail: string;
}

/** What `echo` prints. */
export interface EchoReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly whole: number;
  readonly continued: number;
  readonly connections: number;
}

/** Starts one of its servers until the end of the test. @returns its port */
export async function startPeer(
  t: TestContext,
  command: "serve" | "serve-http" | "serve-echo",
  ...flags: readonly string[]
): Promise<number> {
  const peer = spawn(binary ?? "grpc-peer", [command, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(peer, "exit");
  t.after(async () => {
    peer.stdin.end();
    await exited;
  });
  const [line] = await once(createInterface(peer.stdout), "line");
  return Number(line);
}

/** Runs one of its clients against what listens on this port. */
export function runPeer(port: number, command: "call" | "post", ...flags: readonly string[]): Promise<PeerReport> {
  return run(port, command, flags);
}

/** Runs its client that holds each answer to what it sent. */
export function runEcho(port: number, ...flags: readonly string[]): Promise<EchoReport> {
  return run(port, "echo", flags);
}

function run<Report>(port: number, command: string, flags: readonly string[]): Promise<Report> {
  const args = [command, "-target", `127.0.0.1:${port}`, "-authority", SERVICE, "-source", SOURCE, ...flags];
  return new Promise((resolve, reject) => {
    execFile(binary ?? "grpc-peer", args, { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`grpc-peer ${command}: ${stderr || error.message}`));
      else resolve(JSON.parse(stdout));
    });
  });
}
