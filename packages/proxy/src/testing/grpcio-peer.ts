import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";

const python = toolPath("grpcio");
const PEER = fileURLToPath(new URL("../../../../scripts/tools/peers/grpcio_peer.py", import.meta.url));

/** For the `skip` of a test that needs it. */
export const NO_GRPCIO =
  python === undefined && process.env.CI !== "true" && "no grpcio here: scripts/tools/install.mjs grpcio could not install it";

/** What a client of grpcio saw. */
export interface GrpcioReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly bytes: number;
  readonly trailed: number;
}

export interface GrpcioCalls {
  readonly method: string;
  /** One after the other. Default 1 */
  readonly calls?: number;
  /** Messages per stream. Default 1 */
  readonly count?: number;
  /** Bytes of a message. Default 100 */
  readonly size?: number;
  /** Seconds. Default 100 */
  readonly timeout?: number;
}

/** Starts grpcio's server until the end of the test. @returns its port */
export async function startGrpcio(t: TestContext): Promise<number> {
  const peer = spawn(python ?? "python3", [PEER, "serve"], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(peer, "exit");
  t.after(async () => {
    peer.stdin.end();
    await exited;
  });
  const [line] = await once(createInterface(peer.stdout), "line");
  return Number(line);
}

/** Runs grpcio's client against what listens on this port. */
export function callWithGrpcio(
  port: number,
  { method, calls = 1, count = 1, size = 100, timeout = 100 }: GrpcioCalls,
): Promise<GrpcioReport> {
  const args = [PEER, "call", `${port}`, SERVICE, SOURCE, method, `${calls}`, `${count}`, `${size}`, `${timeout}`];
  return new Promise((resolve, reject) => {
    execFile(python ?? "python3", args, { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`grpcio ${method}: ${stderr || error.message}`));
      else resolve(JSON.parse(stdout));
    });
  });
}
