import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import type { LongLived } from "./long-lived.ts";

const LONGEST_EXCHANGE = 5_000;

/** A TCP connection that stays open between two exchanges, as a database's does. */
export class LongLivedConnection implements LongLived {
  readonly #socket: Socket;
  readonly #lines: Interface;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    // The next exchange tells.
    this.#lines.on("error", () => {});
    socket.on("error", () => {});
  }

  /** Resolves when the connection is there, which by way of an Envoy says nothing of the server. */
  static async open(host: string, port: number): Promise<LongLivedConnection> {
    const socket = connect({ host, port });
    await once(socket, "connect");
    return new LongLivedConnection(socket);
  }

  /**
   * Sends one line and returns the one that comes back. Rejects when the connection has ended, or
   * none comes within 5 s.
   */
  async exchange(line: string): Promise<string> {
    if (this.#socket.closed) throw new Error("the connection has ended");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const ended = () => reject(new Error("the connection ended without a line"));
    const late = setTimeout(() => reject(new Error(`no line within ${LONGEST_EXCHANGE} ms`)), LONGEST_EXCHANGE);
    this.#lines.once("line", resolve);
    this.#socket.once("close", ended);
    this.#socket.write(`${line}\n`);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#lines.off("line", resolve);
      this.#socket.off("close", ended);
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }
}
