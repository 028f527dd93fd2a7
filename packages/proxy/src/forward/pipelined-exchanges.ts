import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Http1Exchange } from "./http1-exchange.ts";

/**
 * Exchanges whose answer waits behind an earlier one on the same connection (RFC 9112 §9.3.2).
 *
 * node:http tells only the response at the head of the line when the connection closes; the others would run on, and count as in flight
 * for ever. One listener per connection, however many requests it pipelines.
 */
export class PipelinedExchanges {
  readonly #waiting = new WeakMap<Socket, Set<Http1Exchange>>();

  watch({ socket }: IncomingMessage, exchange: Http1Exchange): void {
    let exchanges = this.#waiting.get(socket);
    if (exchanges === undefined) {
      const created = new Set<Http1Exchange>();
      socket.once("close", () => {
        for (const waiting of created) waiting.clientClosed();
      });
      this.#waiting.set(socket, created);
      exchanges = created;
    }
    const line = exchanges.add(exchange);
    exchange.response.once("close", () => line.delete(exchange));
  }
}
