import type { EnvoyAdmin } from "../../lab/pod/envoy-admin.ts";

/**
 * What an Envoy is configured with: each item's place and name, and its content as JSON that is
 * equal when it means the same.
 */
export type EnvoyConfiguration = ReadonlyMap<string, string>;

/**
 * When something came, by which push, and what is on its way out for a while: none of it is
 * configuration.
 */
const PASSING = new Set(["version_info", "last_updated", "client_status", "draining_state"]);

/** Everything in Envoy's dump, endpoints included. */
export async function configurationOf(envoy: EnvoyAdmin): Promise<EnvoyConfiguration> {
  return configurationIn(await envoy.configDump("?include_eds"));
}

/**
 * The items of a dump: clusters, listeners, route tables, secrets, endpoints, and the bootstrap.
 */
export function configurationIn(dump: readonly Readonly<Record<string, unknown>>[]): EnvoyConfiguration {
  const items = dump.flatMap(({ "@type": type, ...fields }) => {
    const section = String(type).split(".").at(-1);
    return Object.entries(fields)
      .filter(([field]) => !PASSING.has(field))
      .flatMap(([field, value]) => {
        const values = Array.isArray(value) ? (value as unknown[]) : [value];
        return values.map((item): [string, string] => [`${section}.${field} ${nameOf(item)}`, JSON.stringify(normal(item))]);
      });
  });
  return new Map(items);
}

/** Items that only one of two configurations has, or that differ. Empty when the two are equal. */
export function differences(before: EnvoyConfiguration, after: EnvoyConfiguration): readonly string[] {
  const gone = [...before.keys()].filter((item) => !after.has(item)).map((item) => `- ${item}`);
  const come = [...after.keys()].filter((item) => !before.has(item)).map((item) => `+ ${item}`);
  const changed = [...before].filter(([item, content]) => (after.get(item) ?? content) !== content).map(([item]) => `~ ${item}`);
  return [...gone, ...come, ...changed];
}

/**
 * An item is named by itself, or by the one thing in it: `{cluster: {name}}`,
 * `{endpoint_config: {cluster_name}}`.
 */
function nameOf(item: unknown): string {
  if (typeof item !== "object" || item === null) return "";
  const { name, cluster_name } = item as { name?: unknown; cluster_name?: unknown };
  const own = name ?? cluster_name;
  if (typeof own === "string") return own;
  return (
    Object.values(item)
      .map(nameOf)
      .find((inner) => inner !== "") ?? ""
  );
}

/**
 * Without what passes, with fields in one order. Virtual hosts are sorted: Envoy chooses among them
 * by domain, not by order.
 */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value)
    .filter(([field]) => !PASSING.has(field))
    .map(([field, inner]): [string, unknown] => [field, field === "virtual_hosts" ? byName(inner) : normal(inner)])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(fields);
}

function byName(virtualHosts: unknown): unknown {
  const hosts = (normal(virtualHosts) ?? []) as { name: string }[];
  return hosts.sort((one, other) => (one.name < other.name ? -1 : 1));
}
