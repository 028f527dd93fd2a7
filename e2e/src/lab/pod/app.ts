import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FencelineError } from "@fenceline/api";
import {
  type AccessLogCall,
  type AppPorts,
  type Command,
  type Echo,
  type GrpcAnswer,
  type GrpcCall,
  type HttpAnswer,
  type HttpCall,
  type LoadCall,
  type LoadReport,
  type LongLivedCall,
  READY,
  type Reply,
  type TcpCall,
  type WebSocketEnd,
} from "../../pod-app/protocol.ts";
import type { LabProcess } from "../process.ts";
import type { Pod } from "./pod.ts";

const PROGRAM = fileURLToPath(new URL("../../pod-app/main.ts", import.meta.url));

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A load that runs in a pod. */
export interface RunningLoad {
  report(): Promise<LoadReport>;
  /** Sends no more, and resolves when every answer has arrived. */
  stop(): Promise<LoadReport>;
}

/** A TCP connection, gRPC call or WebSocket that a pod holds open. */
export interface OpenConnection<End = unknown> {
  /** Sends one line or message and returns the one that comes back. */
  exchange(send: string): Promise<string>;
  /** Ends it. Returns how it ended, if its protocol has a status. */
  close(): Promise<End>;
}

/** The application in a pod: its servers echo, and it makes the calls that a suite requests. */
export class App {
  readonly #process: LabProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #ready = Promise.withResolvers<void>();
  #questions = 0;

  private constructor(process: LabProcess) {
    this.#process = process;
    const lines = createInterface({ input: process.streams.output });
    lines.on("line", (line) => this.#heard(line));
    lines.on("close", () => this.#ended());
    // The application may just have ended: the end of its output shows this.
    process.streams.input.on("error", () => {});
  }

  /** Starts the application in a pod. Returns when it listens. */
  static async start(pod: Pod, ports: AppPorts): Promise<App> {
    const env = { POD: `${pod.spec.namespace}/${pod.spec.name}`, PORTS: JSON.stringify(ports) };
    const app = new App(await pod.run({ name: "app", command: process.execPath, args: [PROGRAM], env, talk: true }));
    await app.#ready.promise;
    return app;
  }

  /** One HTTP request. Rejects without a complete answer; any status is an answer. */
  call(call: HttpCall | string): Promise<HttpAnswer> {
    return this.#ask({ do: "call", ...(typeof call === "string" ? { url: call } : call) }) as Promise<HttpAnswer>;
  }

  /**
   * One HTTP request to another pod's application.
   * @throws {FencelineError} `LAB_CALL_FAILED` when the status is not 200
   */
  async echo(call: HttpCall | string): Promise<HttpAnswer & { readonly body: Echo }> {
    const answer = await this.call(call);
    if (answer.status === 200) return answer as HttpAnswer & { body: Echo };
    const url = typeof call === "string" ? call : call.url;
    throw new FencelineError("LAB_CALL_FAILED", { message: `${url} answered ${answer.status}: ${JSON.stringify(answer.body)}` });
  }

  /** One TCP exchange; the line that the server sent. */
  connect(call: TcpCall): Promise<string> {
    return this.#ask({ do: "connect", ...call }) as Promise<string>;
  }

  /** One gRPC call; any status is an answer. */
  grpc(call: GrpcCall): Promise<GrpcAnswer> {
    return this.#ask({ do: "grpc call", ...call }) as Promise<GrpcAnswer>;
  }

  /** Writes access logs to a collector, with the node that the call names. */
  sendAccessLogs(call: AccessLogCall): Promise<Pick<GrpcAnswer, "status" | "details">> {
    return this.#ask({ do: "send access logs", ...call }) as Promise<Pick<GrpcAnswer, "status" | "details">>;
  }

  /** Starts requests at a steady rate, one a millisecond unless told otherwise. */
  async load(call: LoadCall): Promise<RunningLoad> {
    const load = (await this.#ask({ do: "start load", ...call })) as string;
    return {
      report: () => this.#ask({ do: "report load", load }) as Promise<LoadReport>,
      stop: () => this.#ask({ do: "stop load", load }) as Promise<LoadReport>,
    };
  }

  /** Opens a TCP connection, gRPC call or WebSocket that stays until it is closed. */
  async open(call: GrpcCall): Promise<OpenConnection<GrpcAnswer>>;
  async open(call: Extract<LongLivedCall, { webSocket: string }>): Promise<OpenConnection<WebSocketEnd>>;
  async open(call: LongLivedCall): Promise<OpenConnection>;
  async open(call: LongLivedCall): Promise<OpenConnection> {
    const connection = (await this.#ask({ do: "open", ...call })) as string;
    return {
      exchange: (send) => this.#ask({ do: "exchange", connection, send }) as Promise<string>,
      close: () => this.#ask({ do: "close", connection }),
    };
  }

  #ask(command: Command): Promise<unknown> {
    this.#process.requireRunning();
    this.#questions += 1;
    const id = this.#questions;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(id, { resolve, reject });
    this.#process.streams.input.write(`${JSON.stringify({ id, ...command })}\n`);
    return promise;
  }

  #heard(line: string): void {
    if (line === READY) {
      this.#ready.resolve();
      return;
    }
    const reply = JSON.parse(line) as Reply;
    const asked = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    if ("error" in reply) asked?.reject(new FencelineError("LAB_CALL_FAILED", { message: reply.error }));
    else asked?.resolve(reply.result);
  }

  /** All waiting calls get the reason. */
  #ended(): void {
    const error = new FencelineError("LAB_PROCESS_ENDED", { message: `${this.#process.spec.name} ended, see ${this.#process.logFile}` });
    this.#ready.reject(error);
    this.#ready.promise.catch(() => {});
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
