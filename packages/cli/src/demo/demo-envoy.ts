import { randomUUID } from "node:crypto";
import type { EdgeReporter } from "@fenceline/als";
import {
  FENCE_SOURCE,
  type FenceKey,
  formatAddress,
  formatFenceKey,
  ORIGINAL_DESTINATION,
  type RenderedObject,
  SOURCE_NAMESPACE,
} from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import { type Dispatcher, request } from "undici";

/** How a call travelled. */
export type Hop = "fallback" | "direct";

/** What a {@link DemoEnvoy} needs of its surroundings. */
export interface DemoEnvoyOptions {
  readonly fence: FenceKey;
  /** What is rendered for the fence now. */
  readonly rendered: () => readonly RenderedObject[];
  readonly registry: () => Registry;
  /** Where the global sidecar is called. */
  readonly fallback: { readonly host: string; readonly port: number };
  /** Access logs of direct calls. */
  readonly accessLog: EdgeReporter;
  readonly dispatcher: Dispatcher;
}

/**
 * Stands in for the Envoy beside a demo service, which has none: it obeys the rendered Sidecar as
 * an Envoy would after istiod's push. A host of the fence is called directly and logged; any other
 * goes to the fallback, with the headers that the EnvoyFilter would add.
 */
export class DemoEnvoy {
  readonly #options: DemoEnvoyOptions;

  constructor(options: DemoEnvoyOptions) {
    this.#options = options;
  }

  /** Calls a service by its short name. */
  async call(name: string): Promise<{ readonly hop: Hop; readonly status: number }> {
    const { fence, registry, accessLog } = this.#options;
    const service = registry().service(fence.namespace, name);
    const host = service === undefined ? name : registry().hostOf(service);
    const [endpoint] = service === undefined ? [] : registry().endpointsOf(service, 80);
    if (!this.shows(name) || endpoint === undefined)
      return { hop: "fallback", status: await this.#callFallback(name, service?.spec.clusterIP) };
    const status = await this.#get(`http://${endpoint.address}:${endpoint.port}/`, { host: name });
    accessLog.report({ source: fence, authority: name, upstreamCluster: `outbound|80||${host}`, responseCode: status });
    return { hop: "direct", status };
  }

  /** Whether the fence holds a service of its namespace, by the short name. */
  shows(name: string): boolean {
    const { fence, registry, rendered } = this.#options;
    const service = registry().service(fence.namespace, name);
    const sidecar = rendered().find((object) => object.kind === "Sidecar");
    if (service === undefined || sidecar === undefined) return false;
    const host = `${fence.namespace}/${registry().hostOf(service)}`;
    return sidecar.spec.egress.some(({ hosts }) => hosts.includes(host));
  }

  #callFallback(name: string, clusterIP: string | undefined): Promise<number> {
    const { fence, fallback } = this.#options;
    return this.#get(`http://${formatAddress(fallback.host, fallback.port)}/`, {
      host: name,
      [FENCE_SOURCE]: formatFenceKey(fence),
      [SOURCE_NAMESPACE]: fence.namespace,
      ...(clusterIP !== undefined && { [ORIGINAL_DESTINATION]: `${clusterIP}:80` }),
    });
  }

  async #get(url: string, headers: Record<string, string>): Promise<number> {
    const tagged = { ...headers, "x-request-id": randomUUID() };
    const { statusCode, body } = await request(url, { headers: tagged, dispatcher: this.#options.dispatcher });
    await body.dump();
    return statusCode;
  }
}
