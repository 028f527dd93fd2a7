import type { Service } from "@fenceline/api";
import type { Destination, Registry } from "./registry.ts";

/** Address and port → Service port. Two levels of maps, so that no two pairs can meet in one key. */
export class AddressIndex {
  readonly #destinations = new Map<string, Map<number, Destination>>();

  constructor(registry: Registry) {
    const services = registry.services();
    // ClusterIPs first: an address that is both (a Service without selector may point anywhere) is meant as the ClusterIP.
    for (const service of services) this.#addClusterIPs(service, registry.hostOf(service));
    for (const service of services) this.#addEndpoints(service, registry);
  }

  find(address: string, port: number): Destination | undefined {
    return this.#destinations.get(address)?.get(port);
  }

  #addClusterIPs(service: Service, host: string): void {
    const { clusterIP, clusterIPs = [], ports } = service.spec;
    for (const address of new Set([clusterIP, ...clusterIPs])) {
      if (address === undefined || address === "" || address === "None") continue;
      for (const { port } of ports) this.#add(address, port, { host, port });
    }
  }

  #addEndpoints(service: Service, registry: Registry): void {
    for (const servicePort of service.spec.ports) {
      const destination = { host: registry.hostOf(service), port: servicePort.port };
      for (const { address, port } of registry.allEndpointsOf(service, servicePort)) this.#add(address, port, destination);
    }
  }

  #add(address: string, port: number, destination: Destination): void {
    const ports = this.#destinations.get(address) ?? new Map<number, Destination>();
    this.#destinations.set(address, ports);
    if (!ports.has(port)) ports.set(port, destination);
  }
}
