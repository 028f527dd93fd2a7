import { once } from "node:events";
import type { LongLived } from "../long-lived.ts";
import type { WebSocketEnd } from "../protocol.ts";

const LONGEST_EXCHANGE = 5_000;

/** A WebSocket that stays open between two exchanges, by the client that Node has built in. */
export class LongLivedWebSocket implements LongLived {
  readonly #socket: WebSocket;
  readonly #ended = Promise.withResolvers<WebSocketEnd>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("close", ({ code, wasClean }) => this.#ended.resolve({ code, wasClean }));
  }

  /** Resolves when the server has accepted it. @param url `ws://…` */
  static async open(url: string): Promise<LongLivedWebSocket> {
    const socket = new WebSocket(url);
    const opened = new LongLivedWebSocket(socket);
    const refused = opened.#ended.promise.then(({ code }) => Promise.reject(new Error(`the WebSocket was refused: ${code}`)));
    await Promise.race([once(socket, "open"), refused]);
    // It ends some day; nobody waits for the refusal then.
    refused.catch(() => {});
    return opened;
  }

  async exchange(line: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const heard = ({ data }: MessageEvent) => resolve(String(data));
    const late = setTimeout(() => reject(new Error(`no message within ${LONGEST_EXCHANGE} ms`)), LONGEST_EXCHANGE);
    void this.#ended.promise.then(({ code }) => reject(new Error(`the WebSocket has ended with ${code}`)));
    this.#socket.addEventListener("message", heard, { once: true });
    this.#socket.send(line);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#socket.removeEventListener("message", heard);
    }
  }

  close(): Promise<WebSocketEnd> {
    this.#socket.close(1_000);
    return this.#ended.promise;
  }
}
