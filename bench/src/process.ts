import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type Core, pinned } from "./pin.ts";
import { cpuMilliseconds, openFiles, residentMegabytes } from "./proc.ts";

/** A process of the benchmark. It prints one line of JSON per answer on its standard output. */
export class BenchProcess {
  readonly name: string;
  readonly pid: number;
  readonly #child: Child;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";

  private constructor(name: string, child: Child, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    // The process may just have ended: reading its answer reports this.
    child.stdin.on("error", () => {});
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4_000);
    });
  }

  /** Starts a command on one core. It is ended by `stopAll` at the latest. */
  static async start(
    name: string,
    core: Core,
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<BenchProcess> {
    if (stopped) throw new Error(`${name} is not started: the benchmark is ending`);
    const [file, argv] = pinned(core, command, args);
    const child: Child = spawn(file, argv, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    const started = new BenchProcess(name, child, child.pid ?? 0);
    running.add(started);
    child.once("exit", () => running.delete(started));
    return started;
  }

  /**
   * The next line of JSON that it prints. Throws, with what it said on standard error, when it ends
   * instead.
   */
  async answer<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.name} ended early: ${this.#stderr.trim() || "it said nothing"}`);
    return JSON.parse(value) as T;
  }

  /** Sends a line and reads the answer. */
  ask<T>(question: string): Promise<T> {
    this.#child.stdin.write(`${question}\n`);
    return this.answer<T>();
  }

  /** Throws, with what it said on standard error, when it is no longer running. */
  requireRunning(): void {
    if (!this.#alive) throw new Error(`${this.name} ended early: ${this.#stderr.trim() || "it said nothing"}`);
  }

  /** Processor time used so far, in milliseconds: user and system. */
  cpuMilliseconds(): number {
    return cpuMilliseconds(this.pid);
  }

  /** Memory that it holds now, in MB (10⁶ bytes): VmRSS. */
  residentMegabytes(): number {
    return residentMegabytes(this.pid);
  }

  /** Files, sockets and pipes that it has open. */
  openFiles(): number {
    return openFiles(this.pid);
  }

  /** Ends it: SIGTERM, and SIGKILL after two seconds. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (!this.#alive) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    const timeout = delay(2_000, undefined, { ref: false }).then(() => this.#child.kill("SIGKILL"));
    await Promise.race([gone, timeout]);
    await gone;
  }

  get #alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const running = new Set<BenchProcess>();
let stopped = false;

/** Ends every process that is still running, each by its own id, and prevents further starts. */
export async function stopForGood(): Promise<void> {
  stopped = true;
  await stopAll();
}

/** Ends every process that is still running, each by its own id. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((started) => started.stop()));
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}
