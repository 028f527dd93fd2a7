import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { Counter, Gauge, type Registry } from "prom-client";

/** Open files that are not connections of the data path: libuv's own, logs, DNS, the admin port, the collector. */
const RESERVED_FILES = 128;
/** The client's, and the one to the destination that its request takes. */
const FILES_PER_CONNECTION = 2;

/** How many connections a server takes. */
export interface ConnectionLimit {
  /** Client connections at a time. */
  readonly maxConnections: number;
  /** Servers of this process, this one included, among which its open files are shared out. */
  readonly sharing: number;
}

/**
 * Limits a server's connections so that accept() does not meet the limit of open files, and keeps the server alive should it do so all the same.
 *
 * At that limit libuv gives up one file that it holds in reserve, accepts what waits and closes it, so that it need not be told of it again and
 * again. What it cannot handle that way it reports as the server's error, which without a listener would end the thread.
 */
export function limitConnections(server: Server, metrics: Registry, { maxConnections, sharing }: ConnectionLimit): void {
  const affordable = Math.floor((openFilesLimit() - RESERVED_FILES) / FILES_PER_CONNECTION / sharing);
  server.maxConnections = Math.max(1, Math.min(maxConnections, affordable));
  const refused = new Counter({
    name: "fenceline_proxy_connections_refused_total",
    help: "Client connections that were closed at once: LIMIT of connections, or no free FILES.",
    labelNames: ["reason"],
    registers: [metrics],
  });
  for (const reason of ["LIMIT", "FILES"]) refused.inc({ reason }, 0);
  server.on("drop", () => refused.inc({ reason: "LIMIT" }));
  server.on("error", () => refused.inc({ reason: "FILES" }));
  new Gauge({
    name: "fenceline_proxy_connections",
    help: "Client connections that are open.",
    registers: [metrics],
    async collect() {
      this.set(await connectionsOf(server));
    },
  });
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}

/** The soft limit, which Node raises to the hard one at its start. Infinite where the kernel does not tell. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
