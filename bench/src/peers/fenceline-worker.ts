/** What the worker thread of fenceline-proxy.ts runs. */
import { createGlobalSidecar, type Resolver, runWorker, toAddress } from "@fenceline/proxy/data-path";
import { pino } from "pino";
import { hostOf } from "../mesh.ts";

export interface WorkerSettings {
  /** Where all services are. */
  readonly upstreamPort: number;
}

/** Number of services of the mesh. No others exist. */
const SERVICES = 10;

/**
 * Answers like the resolver of a cluster from its cache: synchronously, and with the same objects.
 */
function meshResolver(upstreamPort: number): Resolver {
  const address = [toAddress("127.0.0.1", upstreamPort)];
  const hosts = new Set(Array.from({ length: SERVICES }, (_, at) => hostOf(at)));
  return { resolve: ({ host }) => (hosts.has(host) ? address : undefined) };
}

await runWorker<WorkerSettings>(({ listen, settings: { upstreamPort } }) =>
  createGlobalSidecar({
    ...listen,
    resolver: meshResolver(upstreamPort),
    logger: pino({ level: "warn" }, pino.destination(2)),
    // The upstream of the benchmark is on loopback.
    allowLoopback: true,
    acceptPlaintext: true,
  }),
);
