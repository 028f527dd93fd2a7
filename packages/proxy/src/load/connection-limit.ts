import type { Server } from "node:net";
import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import { openFilesLimit } from "@fenceline/wire/open-files";
import { Counter, type Registry as MetricsRegistry } from "prom-client";

/**
 * Open files that are not connections of the data path: libuv's own, logs, DNS, the admin port, the
 * collector.
 */
const RESERVED_FILES = 128;
/** The client's connection, and the one to its request's destination. */
const FILES_PER_CONNECTION = 2;

/** Limits of the connections of an event loop. */
export interface ConnectionLimits {
  /** Most client connections. */
  readonly maxConnections: number;
  /**
   * Number of event loops of this process, including this one, that share its limit of open files.
   */
  readonly sharing: number;
}

/**
 * Limits the client connections of one event loop, over all of its listening sockets, so that
 * accept() does not reach the limit of open files. If it does, the thread stays alive.
 *
 * At the limit libuv uses a reserved file to accept and close waiting connections. If this fails,
 * it emits an error of the server, which without a listener would end the thread.
 */
export class ConnectionLimit {
  readonly #limit: number;
  readonly #connections = { open: 0, accepted: 0 };
  readonly #refused: Counter;

  constructor(metrics: MetricsRegistry, { maxConnections, sharing }: ConnectionLimits) {
    const affordable = Math.floor((openFilesLimit() - RESERVED_FILES) / FILES_PER_CONNECTION / sharing);
    this.#limit = Math.max(1, Math.min(maxConnections, affordable));
    this.#refused = register(metrics, this.#connections);
  }

  /** Connections that were accepted so far, including those that were closed at once. */
  get accepted(): number {
    return this.#connections.accepted;
  }

  /**
   * @param server its `connection` event reports every connection, of whichever socket
   * @param makeRoom closes a connection that is not needed; false when there is none
   */
  guard(server: Server, makeRoom: () => boolean): void {
    const connections = this.#connections;
    server.prependListener("connection", (socket) => {
      connections.open += 1;
      connections.accepted += 1;
      socket.once("close", () => {
        connections.open -= 1;
      });
      if (connections.open <= this.#limit) return;
      if (makeRoom()) {
        this.#refused.inc({ reason: "SILENT" });
        return;
      }
      this.#refused.inc({ reason: "LIMIT" });
      socket.destroy();
    });
  }

  /** For the errors of listening sockets. */
  readonly outOfFiles = (): void => this.#refused.inc({ reason: "FILES" });
}

/** Returns the counter of those that were closed for lack of room. */
function register(metrics: MetricsRegistry, connections: { readonly open: number; readonly accepted: number }): Counter {
  collectedGauge(metrics, {
    name: "fenceline_proxy_connections",
    help: "Client connections that are open.",
    read: () => connections.open,
  });
  collectedCounter(metrics, {
    name: "fenceline_proxy_connections_accepted_total",
    help: "Client connections that were accepted, those closed at once included.",
    read: () => connections.accepted,
  });
  const refused = new Counter({
    name: "fenceline_proxy_connections_refused_total",
    help: "Client connections closed for lack of room: at once (LIMIT of connections, no free FILES), or SILENT for long.",
    labelNames: ["reason"],
    registers: [metrics],
  });
  for (const reason of ["LIMIT", "FILES", "SILENT"]) refused.inc({ reason }, 0);
  return refused;
}
