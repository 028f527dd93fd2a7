import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { FencelineError } from "@fenceline/api";
import type { Closers } from "./closers.ts";
import type { Ledger } from "./ledger.ts";

/** A command that runs until it is stopped. */
export interface ProcessSpec {
  /** Unique in the lab; its log is `<name>.log`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /**
   * Its environment beside PATH and HOME: our own may have proxies and the like, which must not
   * affect it.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whether its standard input and output are used. Default false: the output goes to the log. */
  readonly talk?: boolean;
}

/** Where processes are recorded. */
export interface ProcessKeeping {
  /** Folder of their logs. */
  readonly logs: string;
  readonly ledger: Ledger;
  /** Every process is killed by these at the latest. */
  readonly closers: Closers;
}

const SHOWN_LOG_BYTES = 2_000;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A process of the lab, which may be stopped and started again. It has its own process group, so
 * that only we get Ctrl-C.
 */
export class LabProcess {
  readonly spec: ProcessSpec;
  readonly #keeping: ProcessKeeping;
  #child: ChildProcess | undefined;

  private constructor(spec: ProcessSpec, keeping: ProcessKeeping) {
    this.spec = spec;
    this.#keeping = keeping;
  }

  /** Resolves when the process exists, which does not mean that it is ready. */
  static async start(spec: ProcessSpec, keeping: ProcessKeeping): Promise<LabProcess> {
    const started = new LabProcess(spec, keeping);
    // Before it starts, so that it is always ended.
    keeping.closers.add(() => started.kill());
    await started.start();
    return started;
  }

  /** Starts it again after {@link stop} or {@link kill}. Its log is continued. */
  async start(): Promise<void> {
    const { command, args, env, cwd, talk = false } = this.spec;
    this.#keeping.closers.requireOpen();
    const log = openSync(this.logFile, "a");
    try {
      const child = spawn(command, args, {
        detached: true,
        stdio: talk ? ["pipe", "pipe", log] : ["ignore", log, log],
        env: { PATH, HOME: "/tmp", ...env },
        cwd,
      });
      this.#child = child;
      await once(child, "spawn");
      this.#keeping.ledger.record("process", String(this.pid));
    } finally {
      closeSync(log);
    }
  }

  /** Its process id, which is also that of its group. 0 when it was never started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get logFile(): string {
    return join(this.#keeping.logs, `${this.spec.name}.log`);
  }

  /** Whether a text is in its log. */
  hasLogged(text: string): boolean {
    return readFileSync(this.logFile, "utf8").includes(text);
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves with its exit code when it has ended; undefined when a signal ended it. */
  async ended(): Promise<number | undefined> {
    if (this.isRunning && this.#child !== undefined) await once(this.#child, "exit");
    return this.#child?.exitCode ?? undefined;
  }

  /** Its standard input and output. Only with `talk`. */
  get streams(): { readonly input: Writable; readonly output: Readable } {
    const { stdin, stdout } = this.#child ?? {};
    if (!stdin || !stdout) throw new FencelineError("LAB_NO_TALK", { message: `${this.spec.name} is not to be talked to` });
    return { input: stdin, output: stdout };
  }

  /**
   * @throws {FencelineError} `LAB_PROCESS_ENDED`, with the end of its log, when it is not running
   */
  requireRunning(): void {
    if (this.isRunning) return;
    const how = this.#child?.signalCode ?? `exit code ${this.#child?.exitCode}`;
    const said = readFileSync(this.logFile, "utf8").slice(-SHOWN_LOG_BYTES).trim();
    throw new FencelineError("LAB_PROCESS_ENDED", { message: `${this.spec.name} ended early with ${how}, see ${this.logFile}:\n${said}` });
  }

  /**
   * Asks it to end, and kills it when it has not after `grace` milliseconds. Resolves when it and
   * its children are gone.
   */
  async stop(grace = 5_000): Promise<void> {
    if (!this.isRunning || this.#child === undefined) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const late = delay(grace, undefined, { ref: false }).then(() => this.#child?.kill("SIGKILL"));
    await Promise.race([exited, late]);
    await exited;
    killGroup(this.pid);
  }

  /** Ends it and its children at once, as a crash would. */
  async kill(): Promise<void> {
    if (!this.isRunning || this.#child === undefined) return;
    const exited = once(this.#child, "exit");
    killGroup(this.pid);
    await exited;
  }
}

/**
 * Kills what is left of a group that we made. Its number cannot belong to another group while a
 * member lives, or directly after its leader's end.
 */
export function killGroup(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}
