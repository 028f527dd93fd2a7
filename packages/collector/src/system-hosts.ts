import { isDeepStrictEqual } from "node:util";
import type { Service } from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import type { NamespacedHost } from "@fenceline/render/fence";

/**
 * The Services of namespaces that every fence shows, one by one. The list stays the same value
 * until its content changes: whether a change affects every fence must be cheap to tell.
 */
export class SystemHosts {
  readonly #registry: Registry;
  readonly #namespaces: readonly string[];
  #seen: readonly (readonly Service[])[] = [];
  #list: readonly NamespacedHost[] = [];

  constructor(registry: Registry, namespaces: readonly string[]) {
    this.#registry = registry;
    this.#namespaces = [...new Set(namespaces)];
  }

  list(): readonly NamespacedHost[] {
    const services = this.#namespaces.map((namespace) => this.#registry.servicesIn(namespace));
    if (services.every((list, at) => list === this.#seen[at])) return this.#list;
    this.#seen = services;
    const list = services.flat().map((service) => ({ namespace: service.metadata.namespace, host: this.#registry.hostOf(service) }));
    if (!isDeepStrictEqual(list, this.#list)) this.#list = list;
    return this.#list;
  }
}
