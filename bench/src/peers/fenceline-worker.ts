/** What the worker thread of fenceline-proxy.ts runs. */
import { createGlobalSidecar, type Resolver, runWorker, toAddress } from "@fenceline/proxy/data-path";
import { pino } from "pino";
import { hostOf } from "../mesh.ts";

export interface WorkerSettings {
  /** Where all services are. */
  readonly upstreamPort: number;
}

/** Services of the mesh; whoever else is asked for does not exist. */
const SERVICES = 10;

/** Answers as the resolver of a cluster does from its cache: at once, and with the same objects. */
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
