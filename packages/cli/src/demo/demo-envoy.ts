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

/** The way of a call. */
export type Hop = "fallback" | "direct";

/** Settings of a {@link DemoEnvoy}. */
export interface DemoEnvoyOptions {
  readonly fence: FenceKey;
  /** The objects that are rendered for the fence now. */
  readonly rendered: () => readonly RenderedObject[];
  readonly registry: () => Registry;
  /** Address of the global sidecar. */
  readonly fallback: { readonly host: string; readonly port: number };
  /** Access logs of direct calls. */
  readonly accessLog: EdgeReporter;
  readonly dispatcher: Dispatcher;
}

/**
 * Replaces the Envoy of a demo service, which has none. It follows the rendered Sidecar as an Envoy
 * would after istiod's push: a host of the fence is called directly, with an access log. A call to
 * any other host goes to the fallback, with the headers that the EnvoyFilter would add.
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

  /** Whether the fence has a service of its namespace, by its short name. */
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
