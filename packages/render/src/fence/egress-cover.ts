/** Hosts as a Sidecar names them. Tells whether they include another host. */
export class EgressCover {
  readonly #exact: ReadonlySet<string>;
  /** Those with a `*` in them, by namespace. They are few. */
  readonly #wildcards: ReadonlyMap<string, readonly string[]>;

  constructor(hosts: readonly string[]) {
    this.#exact = new Set(hosts);
    const wildcards = hosts.filter((egress) => egress.includes("*")).map(split);
    this.#wildcards = new Map(
      [...Map.groupBy(wildcards, ([namespace]) => namespace)].map(([key, all]) => [key, all.map(([, host]) => host)]),
    );
  }

  /** Whether the host itself is among them. */
  has(egress: string): boolean {
    return this.#exact.has(egress);
  }

  /**
   * Whether the host is among them or a wildcard of theirs includes it. A wildcard is included by a
   * wider one.
   */
  includes(egress: string): boolean {
    return this.#exact.has(egress) || this.includesMore(egress);
  }

  /** Whether a wildcard of theirs includes the host and others. */
  includesMore(egress: string): boolean {
    return this.coverOf(egress) !== undefined;
  }

  /** A wildcard of theirs that includes the host and others; undefined when none does. */
  coverOf(egress: string): string | undefined {
    // Of most fences there is none, and a report asks for every host of the mesh.
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
