/** The `fenceline` command as a process of its own, for tests. */
import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MAIN = join(import.meta.dirname, "../main.ts");

/** One line of its log. */
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A `fenceline` command that runs. */
export interface RunningCommand {
  /**
   * Resolves with the first log line since the start for which the condition holds. Rejects when
   * the process ends before.
   */
  line(condition: (line: LogLine) => boolean): Promise<LogLine>;
  /** The log so far. */
  lines(): readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string }>;
}

/** A standalone Fenceline that is up. */
export interface FencelineProcess extends RunningCommand {
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
}

/** The command of a global sidecar on free ports. By default its reports go nowhere. */
export function globalSidecarOn(collector = "127.0.0.1:1"): readonly string[] {
  return ["global-sidecar", "--collector", collector, "--host", "127.0.0.1", "--port", "0", "--admin-port", "0"];
}

/** Starts a command with JSON logs. */
export function startCommand(...args: string[]): RunningCommand {
  return startCommandIn({}, ...args);
}

/** The same with variables of its environment. */
export function startCommandIn(variables: Readonly<Record<string, string>>, ...args: string[]): RunningCommand {
  const env = { ...process.env, ...variables };
  const child = spawn(process.execPath, [MAIN, ...args, "--log-format", "json"], { stdio: ["ignore", "pipe", "pipe"], env });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on("line", (text) => {
    lines.push(JSON.parse(text));
    wake();
  });
  let exitCode: number | null | undefined;
  const ended = once(child, "close").then(([code, signal]) => {
    exitCode = code;
    wake();
    return { code, signal, stderr };
  });
  const line = (condition: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const check = () => {
        const found = lines.find(condition);
        if (found !== undefined) resolve(found);
        else if (exitCode !== undefined) reject(new Error(`ended before that line with exit code ${exitCode}: ${stderr}`));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  return { line, lines: () => lines, kill: (signal) => void child.kill(signal), pid: child.pid ?? 0, ended };
}

/** Starts `fenceline standalone` on free ports and waits until it is up. */
export async function startFenceline(folder: string, ...flags: string[]): Promise<FencelineProcess> {
  const ports = ["--proxy-port", "0", "--als-port", "0", "--api-port", "0"];
  const command = startCommand("standalone", "--dir", folder, ...ports, ...flags);
  const up = await command.line(({ proxy }) => proxy !== undefined);
  const portOf = (url: unknown) => Number(new URL(String(url)).port);
  return { ...command, proxyPort: portOf(up.proxy), alsPort: Number(String(up.accessLogs).split(":").at(-1)), apiPort: portOf(up.fences) };
}

/** A GET with a Host header of our own, which fetch does not allow. */
export async function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  host = "127.0.0.1",
): Promise<{ readonly status: number; readonly body: string }> {
  const sent = request({ host, port, path, headers, agent: false }).end();
  const [response] = await once(sent, "response");
  let body = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    body += text;
  });
  await once(response, "end");
  return { status: response.statusCode, body };
}

/** The result of a command that ended by itself. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command that should end by itself. Otherwise it is killed after 30 s, and has no exit
 * code.
 */
export async function runToEnd(args: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
    ...options,
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, ...texts };
}
