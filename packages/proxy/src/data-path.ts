/**
 * What a data-path thread runs, without what the main thread has beside it: the pool of such
 * threads and the client that reports to the collector would be loaded once more into each of them.
 */

export { createMeshResolver } from "./destination/mesh-resolver.ts";
export { createGlobalSidecar, type GlobalSidecarOptions } from "./global-sidecar.ts";
export { createDnsResolver } from "./resolve/dns-resolver.ts";
export { type Resolver, toAddress } from "./resolve/resolver.ts";
export { runWorker } from "./workers/run-worker.ts";
