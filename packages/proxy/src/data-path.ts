/**
 * What a data-path thread runs. It leaves out what only the main thread needs: the pool of such
 * threads and the client that reports to the collector would be loaded into each of them.
 */

export { createMeshResolver } from "./destination/mesh-resolver.ts";
export { createGlobalSidecar, type GlobalSidecarOptions } from "./global-sidecar.ts";
export { createDnsResolver } from "./resolve/dns-resolver.ts";
export { type Resolver, toAddress } from "./resolve/resolver.ts";
export { runWorker } from "./workers/run-worker.ts";
