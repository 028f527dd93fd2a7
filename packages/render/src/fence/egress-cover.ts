/** Hosts in a Sidecar's notation. Tells whether they include another host. */
export class EgressCover {
  readonly #exact: ReadonlySet<string>;
  /** Those with a `*`, by namespace. They are few. */
  readonly #wildcards: ReadonlyMap<string, readonly string[]>;

  constructor(hosts: readonly string[]) {
    this.#exact = new Set(hosts);
    const wildcards = hosts.filter((egress) => egress.includes("*")).map(split);
    this.#wildcards = new Map(
      [...Map.groupBy(wildcards, ([namespace]) => namespace)].map(([key, all]) => [key, all.map(([, host]) => host)]),
    );
  }

  /** Whether the host itself is one of them. */
  has(egress: string): boolean {
    return this.#exact.has(egress);
  }

  /**
   * Whether the host is one of them, or one of their wildcards includes it. A wider wildcard
   * includes a wildcard.
   */
  includes(egress: string): boolean {
    return this.#exact.has(egress) || this.includesMore(egress);
  }

  /** Whether one of their wildcards includes the host and others. */
  includesMore(egress: string): boolean {
    return this.coverOf(egress) !== undefined;
  }

  /** The wildcard among them that includes the host and others; undefined when none does. */
  coverOf(egress: string): string | undefined {
    // Most fences have none, and a report asks for every host of the mesh.
    if (this.#wildcards.size === 0) return undefined;
    const [namespace, host] = split(egress);
    for (const where of new Set([namespace, "*"]))
      for (const pattern of this.#wildcards.get(where) ?? []) {
        const cover = `${where}/${pattern}`;
        if (cover !== egress && matches(pattern, host)) return cover;
      }
    return undefined;
  }
}

/** `*.a` includes `b.a` and `*.b.a`, not `a`. */
function matches(pattern: string, host: string): boolean {
  return pattern === host || pattern === "*" || (pattern.startsWith("*.") && host !== pattern && host.endsWith(pattern.slice(1)));
}

function split(egress: string): readonly [namespace: string, host: string] {
  const slash = egress.indexOf("/");
  return [egress.slice(0, slash), egress.slice(slash + 1)];
}
