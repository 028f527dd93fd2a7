import { type EndpointAddress, type MeshHosts, parseAuthority, type Registry } from "@fenceline/registry";

/** Most characters of authorities that are remembered. */
const REMEMBERED_CHARACTERS = 500_000;

/**
 * Which Service, or host of a ServiceEntry, an authority names for a caller of a namespace. It is
 * asked for every entry of an access log, and a mesh has few answers. Only authorities that name a
 * host are remembered, since anybody may write any Host.
 */
export class NamedHosts {
  readonly #registry: Registry;
  /** By namespace of the caller, then by authority. */
  readonly #known = new Map<string, Map<string, string>>();
  #characters = 0;
  readonly #meshHosts: MeshHosts;
  #version: string | undefined;
  /** By host, an address of its own that was dialled, valid for one version of the registry. */
  readonly #dialled = new Map<string, EndpointAddress>();
  #dialledVersion: number | undefined;

  constructor(registry: Registry, meshHosts: MeshHosts) {
    this.#registry = registry;
    this.#meshHosts = meshHosts;
  }

  /** The host that an authority names; undefined for an address, and where there is none. */
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

  /**
   * The host of the Service behind an address that was dialled. Nearly every call ends at the
   * Service that was dialled, by the same address as before, so that address is remembered.
   *
   * @param ended host at which the call ended. If the address belongs to several hosts, it is this
   * one's
   */
  dialled({ address, port }: EndpointAddress, ended: string | undefined, namespace: string): string | undefined {
    if (this.#dialledVersion !== this.#registry.version) this.#dialled.clear();
    this.#dialledVersion = this.#registry.version;
    const known = ended === undefined ? undefined : this.#dialled.get(ended);
    if (known?.address === address && known.port === port) return ended;
    const found = this.#registry.byAddress(address, port, { host: ended, namespace, prefersHeadless: true })?.host;
    if (found !== undefined && found === ended) this.#dialled.set(found, { address, port });
    return found;
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
