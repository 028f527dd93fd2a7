import { parseAuthority, type Registry } from "@fenceline/registry";

/** Most characters of authorities that are remembered. */
const REMEMBERED_CHARACTERS = 500_000;

/**
 * Which Service an authority names for a caller of a namespace. Every entry of an access log asks,
 * and a mesh has few answers; only those are remembered that name a Service, as anybody may write
 * any Host.
 */
export class NamedHosts {
  readonly #registry: Registry;
  /** By namespace of the caller, then by authority. */
  readonly #known = new Map<string, Map<string, string>>();
  #characters = 0;
  #version: number | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Fully qualified host of the Service; undefined for an address, and where there is none. */
  of(authority: string, namespace: string): string | undefined {
    if (authority === "") return undefined;
    if (this.#version !== this.#registry.version) this.#forget();
    const known = this.#known.get(namespace)?.get(authority);
    if (known !== undefined) return known;
    const parsed = parseAuthority(authority);
    const service = parsed?.kind === "name" ? this.#registry.resolveHost(parsed.host, namespace) : undefined;
    if (service === undefined) return undefined;
    const host = this.#registry.hostOf(service);
    this.#remember(authority, namespace, host);
    return host;
  }

  #remember(authority: string, namespace: string, host: string): void {
    if (this.#characters + authority.length > REMEMBERED_CHARACTERS) this.#forget();
    const hosts = this.#known.get(namespace) ?? new Map<string, string>();
    this.#known.set(namespace, hosts.set(authority, host));
    this.#characters += authority.length;
  }

  #forget(): void {
    this.#known.clear();
    this.#characters = 0;
    this.#version = this.#registry.version;
  }
}
