import { once } from "node:events";
import { createServer, type Server, type ServerOpts } from "node:net";

/**
 * Listening sockets of one event loop. libuv accepts one connection per socket and turn
 * (libuv#3696). With a single socket, each connection of a burst to a busy loop waits for one turn
 * per connection before it: seconds, while requests on older connections take milliseconds. With
 * 64, the 1,000 connections after the replacement of a proxy wait for 16 turns. An idle socket
 * costs a file descriptor.
 */
export const SOCKETS = 64;

export interface ListeningSocketsOptions {
  readonly host: string;
  readonly port: number;
  /**
   * A server that listens on the port already: the first takes its socket over. Default: the port
   * is bound.
   */
  readonly bound?: Server | undefined;
  /**
   * Number of sockets. With more than one, others may listen on the same port, too (SO_REUSEPORT).
   */
  readonly sockets: number;
  /**
   * Options of the connections. Those of `server` were set when it was made, and must be the same.
   */
  readonly connection: ServerOpts;
  /** Called when one of the sockets could not accept a connection. */
  readonly onError: () => void;
}

/** All sockets on which one event loop listens for the same server. */
export class ListeningSockets {
  readonly #servers: readonly Server[];
  readonly #options: ListeningSocketsOptions;

  /** @param server takes the connections of all sockets, and listens on the first one itself */
  constructor(server: Server, options: ListeningSocketsOptions) {
    this.#options = options;
    const further = Array.from({ length: options.sockets - 1 }, () =>
      createServer(options.connection, (socket) => server.emit("connection", socket)),
    );
    this.#servers = [server, ...further];
  }

  /** Rejects when the port cannot be listened on; then none of the sockets listens. */
  async listen(): Promise<void> {
    let { port } = this.#options;
    try {
      for (const [index, server] of this.#servers.entries()) port = await this.#listenOn(server, port, index === 0);
    } catch (error) {
      for (const server of this.#servers) server.close();
      throw error;
    }
  }

  /** Stops listening; resolves when the last connection has ended. */
  async close(): Promise<void> {
    const closed = Promise.all(this.#servers.map((server) => once(server, "close")));
    for (const server of this.#servers) server.close();
    await closed;
  }

  /** Returns the port, which port 0 leaves open. */
  async #listenOn(server: Server, port: number, isFirst: boolean): Promise<number> {
    const { host, bound, sockets, onError } = this.#options;
    if (isFirst && bound !== undefined) server.listen(bound);
    else server.listen({ host, port, reusePort: sockets > 1 });
    await once(server, "listening");
    server.on("error", onError);
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : port;
  }
}
