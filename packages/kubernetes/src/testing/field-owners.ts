import { isDeepStrictEqual } from "node:util";

type Fields = Map<string, unknown>;

/** Fields that name an object, which nobody owns. */
const UNOWNED = /^(apiVersion|kind|metadata\/(name|namespace|uid|resourceVersion|creationTimestamp|generation|managedFields))(\/|$)/;

/** One entry of an object's `managedFields`. */
export interface ManagedFields {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly fieldsV1: object;
}

/**
 * Server-side apply as far as the tests need it: maps are merged, arrays are one value, except for
 * the ports of a Service, which are a map by number and protocol. Each field has the managers that
 * set it.
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export class FieldOwners {
  readonly #owned = new Map<string, Set<string>>();
  readonly #appliers = new Set<string>();

  managedFields(): ManagedFields[] {
    const entries = [...this.#owned].filter(([, fields]) => fields.size > 0);
    return entries.map(([manager, fields]) => ({
      manager,
      operation: this.#appliers.has(manager) ? "Apply" : "Update",
      fieldsV1: fieldsV1(fields),
    }));
  }

  /** A plain write: whoever changed a field owns it. */
  wrote(manager: string, before: object, after: object): void {
    const old = leaves(before);
    for (const [field, value] of leaves(after)) if (!isDeepStrictEqual(old.get(field), value)) this.#own(manager, field);
  }

  /** Fields that other managers own and that the configuration would change. */
  conflicts(manager: string, live: object, configuration: object): string[] {
    const current = leaves(live);
    return [...leaves(configuration)].flatMap(([field, value]) => {
      const others = [...this.#owned].some(([other, fields]) => other !== manager && fields.has(field));
      return others && !isDeepStrictEqual(current.get(field), value) ? [field] : [];
    });
  }

  /**
   * The object after an apply: fields that the manager no longer names go, unless somebody else
   * owns them too.
   */
  apply(manager: string, live: object, configuration: object): object {
    this.#appliers.add(manager);
    const wanted = leaves(configuration);
    const result = leaves(live);
    for (const field of this.#owned.get(manager) ?? []) {
      const isShared = [...this.#owned].some(([other, fields]) => other !== manager && fields.has(field));
      if (!wanted.has(field) && !isShared) result.delete(field);
    }
    for (const [field, value] of wanted) {
      if (!isDeepStrictEqual(result.get(field), value)) for (const fields of this.#owned.values()) fields.delete(field);
      result.set(field, value);
    }
    this.#owned.set(manager, new Set(wanted.keys()));
    return grow(result, live);
  }

  #own(manager: string, field: string): void {
    const fields = this.#owned.get(manager) ?? new Set();
    this.#owned.set(manager, fields.add(field));
  }
}

function leaves(value: object, path = ""): Fields {
  const result: Fields = new Map();
  for (const [key, child] of Object.entries(value)) {
    const field = `${path}${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (UNOWNED.test(field)) continue;
    const map = field === "spec/ports" && Array.isArray(child) ? byListKey(child) : child;
    if (typeof map === "object" && map !== null && !Array.isArray(map))
      for (const [deep, leaf] of leaves(map, `${field}/`)) result.set(deep, leaf);
    else result.set(field, child);
  }
  return result;
}

function grow(fields: Fields, live: object): object {
  const { apiVersion, kind, metadata } = live as { apiVersion: unknown; kind: unknown; metadata: Record<string, unknown> };
  const { labels: _labels, annotations: _annotations, ownerReferences: _owners, ...identity } = metadata;
  const result: Record<string, unknown> = { apiVersion, kind, metadata: identity };
  for (const [field, value] of fields) plant(result, parts(field), value);
  const { spec } = result as { spec?: { ports?: object } };
  if (spec?.ports !== undefined && !Array.isArray(spec.ports)) spec.ports = Object.values(spec.ports);
  return result;
}

/** `spec/ports/k:{…}/name` → `{"f:spec": {"f:ports": {"k:{…}": {"f:name": {}}}}}` */
function fieldsV1(fields: ReadonlySet<string>): object {
  const result = {};
  for (const field of fields)
    plant(
      result,
      parts(field).map((part) => (part.startsWith("k:") ? part : `f:${part}`)),
      {},
    );
  return result;
}

function byListKey(ports: readonly unknown[]): object {
  const listKey = ({ port, protocol = "TCP" }: { readonly port?: number; readonly protocol?: string }) =>
    `k:${JSON.stringify({ port, protocol })}`;
  return Object.fromEntries(ports.map((port) => [listKey(port as object), { protocol: "TCP", ...(port as object) }]));
}

function parts(field: string): string[] {
  return field.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function plant(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let parent = tree;
  for (const part of path.slice(0, -1)) {
    parent[part] ??= {};
    parent = parent[part] as Record<string, unknown>;
  }
  parent[path.at(-1) ?? ""] = value;
}
