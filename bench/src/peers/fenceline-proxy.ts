/**
 * The global sidecar over a small registry, reporting every edge to a collector.
 *
 * Usage: fenceline-proxy.ts UPSTREAM_PORT COLLECTOR_PORT. Prints `{"port":…}`, then for each line on standard input what it holds.
 */
import { createInterface } from "node:readline";
import { createEdgeReporter } from "@fenceline/als";
import { EndpointSlice, Service } from "@fenceline/api";
import { createGlobalSidecar, createRegistryResolver } from "@fenceline/proxy";
import { Registry } from "@fenceline/registry";
import { pino } from "pino";
import { meshObjects } from "../mesh.ts";

const [upstreamPort, collectorPort] = process.argv.slice(2).map(Number);
const { services, endpointSlices } = meshObjects({ callers: 1, services: 10, endpointPort: upstreamPort ?? 0 });
const registry = new Registry({
  services: services.map((service) => Service.parse(service)),
  endpointSlices: endpointSlices.map((slice) => EndpointSlice.parse(slice)),
});
const reporter = createEdgeReporter({ target: `127.0.0.1:${collectorPort}`, nodeId: "global-sidecar~bench" });
const sidecar = await createGlobalSidecar({
  host: "127.0.0.1",
  port: 0,
  resolver: createRegistryResolver(() => registry),
  reporter,
  logger: pino({ level: "warn" }, pino.destination(2)),
  // The upstream of the benchmark is on loopback.
  allowLoopback: true,
});

process.once("SIGTERM", () => {
  void Promise.all([sidecar.close({ deadline: 500 }), reporter.close(500)]).then(() => process.exit(0));
});
console.log(JSON.stringify({ port: sidecar.address.port }));

for await (const _ of createInterface({ input: process.stdin })) {
  const [inFlight] = (await sidecar.metrics.getSingleMetric("fenceline_proxy_requests_in_flight")?.get())?.values ?? [];
  const heap = process.memoryUsage().heapUsed / 1e6;
  console.log(JSON.stringify({ heap, handles: process.getActiveResourcesInfo().length, inFlight: inFlight?.value }));
}
