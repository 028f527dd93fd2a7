import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { TOOLS, toolPath } from "../../../../scripts/tools/tools.mjs";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";

const folder = toolPath("grpc-java");
const isHere = folder !== undefined && spawnSync("java", ["-version"]).status === 0;

/**
 * For the `skip` of a test that needs it. On CI only a JDK or Maven may be missing, which `.ci/run`
 * does without: they are half a gigabyte, and nothing else needs them.
 */
export const NO_GRPC_JAVA =
  !isHere &&
  (process.env.CI !== "true" || TOOLS["grpc-java"].missing() !== undefined) &&
  "no grpc-java here: scripts/tools/install.mjs grpc-java needs a JDK of version 17 or later and Maven, on CI too";

/** Bytes that a side may send before it hears from the other one: netty's own default. */
const WINDOW = 1024 * 1024;

/** What a client of grpc-java saw. */
export interface GrpcJavaReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly bytes: number;
  readonly trailed: number;
  /** That reached the server which was started last. */
  readonly connections: number;
}

export interface GrpcJavaServer {
  /**
   * Milliseconds that a connection lives until GOAWAY; grpc-java takes a second for less. Default
   * 0, for ever
   */
  readonly maxAge?: number;
  /** MAX_CONCURRENT_STREAMS. Default 100 */
  readonly streams?: number;
  /** Bytes. Default 1 MiB */
  readonly window?: number;
}

export interface GrpcJavaCalls {
  /**
   * Echo, Slow (takes 250 ms), Exhausted (ends from the header) or Hang (never ends). Default Echo
   */
  readonly method?: string;
  readonly calls: number;
  /** Calls at a time. Default 1 */
  readonly parallel?: number;
  /** Messages of a call. Default 1 */
  readonly count?: number;
  /** Bytes of a message. Default 100 */
  readonly size?: number;
  /** Bytes. Default 1 MiB */
  readonly window?: number;
  /** Milliseconds, for all calls together. Default 100000 */
  readonly deadline?: number;
}

/**
 * One JVM, which holds a client and any number of servers: to start one takes longer than most
 * tests.
 */
export class GrpcJavaPeer {
  readonly #jvm;
  readonly #lines;

  constructor() {
    const classes = ["classes", join("lib", "*")].map((part) => join(folder ?? "", part)).join(delimiter);
    this.#jvm = spawn("java", ["-cp", classes, "GrpcJavaPeer"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface(this.#jvm.stdout)[Symbol.asyncIterator]();
  }

  /** Starts a server, which runs until the peer stops. @returns its port */
  async serve({ maxAge = 0, streams = 100, window = WINDOW }: GrpcJavaServer = {}): Promise<number> {
    return Number(await this.#ask("serve", maxAge, streams, window));
  }

  /** Runs the client against what listens on this port. */
  async call(port: number, wanted: GrpcJavaCalls): Promise<GrpcJavaReport> {
    const { method = "Echo", calls, parallel = 1, count = 1, size = 100, window = WINDOW, deadline = 100_000 } = wanted;
    return JSON.parse(await this.#ask("call", port, SERVICE, SOURCE, method, calls, parallel, count, size, window, deadline));
  }

  async stop(): Promise<void> {
    const exited = once(this.#jvm, "exit");
    this.#jvm.stdin.end();
    await exited;
  }

  async #ask(...words: readonly (string | number)[]): Promise<string> {
    this.#jvm.stdin.write(`${words.join(" ")}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`grpc-java ended at "${words.join(" ")}": its stack trace stands above`);
    return value;
  }
}
