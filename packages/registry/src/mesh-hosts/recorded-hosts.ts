import type { MeshHostLookup } from "./mesh-hosts.ts";

/** What was asked of {@link MeshHosts}. */
export interface HostReads {
  /** Hosts, exact ones and wildcards, whose entries and routes were asked for. */
  readonly hosts: ReadonlySet<string>;
  /** Namespaces for which everything that they see was asked for. */
  readonly namespaces: ReadonlySet<string>;
}

/** Mesh hosts that record what they are asked for, as `RecordedLookup` does for Services. */
export class RecordedHosts implements MeshHostLookup {
  readonly #hosts: MeshHostLookup;
  readonly #asked = new Set<string>();
  readonly #namespaces = new Set<string>();

  constructor(hosts: MeshHostLookup) {
    this.#hosts = hosts;
  }

  get reads(): HostReads {
    return { hosts: this.#asked, namespaces: this.#namespaces };
  }

  get version(): number {
    return this.#hosts.version;
  }

  get unrecorded(): MeshHostLookup {
    return this.#hosts.unrecorded;
  }

  entriesVisibleTo(namespace: string) {
    this.#namespaces.add(namespace);
    return this.#hosts.entriesVisibleTo(namespace);
  }

  routesVisibleTo(namespace: string) {
    this.#namespaces.add(namespace);
    return this.#hosts.routesVisibleTo(namespace);
  }

  entriesFor(host: string, namespace: string) {
    this.#asked.add(host);
    return this.#hosts.entriesFor(host, namespace);
  }

  routesFor(host: string, namespace: string) {
    this.#asked.add(host);
    return this.#hosts.routesFor(host, namespace);
  }
}
