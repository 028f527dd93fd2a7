import { type MeshHosts, parseAuthority, type Registry } from "@fenceline/registry";

/** Most characters of authorities that are remembered. */
const REMEMBERED_CHARACTERS = 500_000;

/**
 * Which Service, or host of a ServiceEntry, an authority names for a caller of a namespace. Every
 * entry of an access log asks, and a mesh has few answers; only those are remembered that name one,
 * as anybody may write any Host.
 */
export class NamedHosts {
  readonly #registry: Registry;
  /** By namespace of the caller, then by authority. */
  readonly #known = new Map<string, Map<string, string>>();
  #characters = 0;
  readonly #meshHosts: MeshHosts;
  #version: string | undefined;

  constructor(registry: Registry, meshHosts: MeshHosts) {
    this.#registry = registry;
    this.#meshHosts = meshHosts;
  }

  /** Its host; undefined for an address, and where there is none. */
  of(authority: string, namespace: string): string | undefined {
    if (authority === "") return undefined;
    if (this.#version !== this.#versionNow()) this.#forget();
    const known = this.#known.get(namespace)?.get(authority);
    if (known !== undefined) return known;
    const parsed = parseAuthority(authority);
    const host = parsed?.kind === "name" ? this.#hostOf(parsed.host, namespace) : undefined;
    if (host === undefined) return undefined;
    this.#remember(authority, namespace, host);
    return host;
  }

  #hostOf(name: string, namespace: string): string | undefined {
    const service = this.#registry.resolveHost(name, namespace);
    return service === undefined ? this.#meshHosts.entriesFor(name, namespace)[0]?.host : this.#registry.hostOf(service);
  }

  #versionNow(): string {
    return `${this.#registry.version} ${this.#meshHosts.version}`;
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
    this.#version = this.#versionNow();
  }
}
