import { hostOfAddress, isJsonObject, type NeededHost, textsIn } from "@fenceline/api";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Hosts that proxies call because of MeshConfig: those of all `extensionProviders`, and those of
 * `defaultConfig`. A Telemetry, an AuthorizationPolicy or `defaultProviders` may use any provider,
 * and istiod then looks up its cluster.
 *
 * @param fault makes what is thrown where Istio would not accept a field
 */
export function hostsOfMeshConfig(config: Fields, fault: (message: string) => Error): readonly NeededHost[] {
  const providers = config.extensionProviders ?? config.extension_providers ?? [];
  if (!Array.isArray(providers)) throw fault("extensionProviders is no list");
  const proxy = config.defaultConfig ?? config.default_config;
  return [...providers.flatMap(hostsOfProvider), ...(isJsonObject(proxy) ? hostsOfProxy(proxy) : [])];
}

/**
 * A provider names its Service in the field `service`, whatever its type; the samplers of a tracer
 * have one of their own.
 */
function hostsOfProvider(provider: unknown): readonly NeededHost[] {
  const name = isJsonObject(provider) && typeof provider.name === "string" ? provider.name : "";
  const services = [...fieldsNamed("service", provider)].filter((service) => service !== "");
  return [...new Set(services)].map((service) => ({
    reference: service.toLowerCase(),
    by: `MeshConfig extensionProviders[${name.slice(0, LONGEST_NAME)}]`,
  }));
}

const LONGEST_NAME = 63;

/** Texts of a field of this name, at whatever depth. */
function* fieldsNamed(name: string, value: unknown): Generator<string> {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const each = left.pop();
    if (typeof each !== "object" || each === null) continue;
    for (const [field, inner] of Object.entries(each))
      if (field === name && typeof inner === "string") yield inner;
      else left.push(inner);
  }
}

/**
 * Envoy's bootstrap has clusters of its own for these, found by DNS. How else a proxy uses a host
 * of its environment is not known.
 */
const OF_PROXY: readonly (readonly [said: string, ...fields: readonly string[]])[] = [
  ["tracing", "tracing", "zipkinAddress", "zipkin_address"],
  ["envoyAccessLogService", "envoyAccessLogService", "envoy_access_log_service"],
  ["envoyMetricsService", "envoyMetricsService", "envoy_metrics_service"],
  ["proxyMetadata", "proxyMetadata", "proxy_metadata"],
];

function hostsOfProxy(proxy: Fields): readonly NeededHost[] {
  return OF_PROXY.flatMap(([said, ...fields]) => {
    const hosts = new Set(fields.flatMap((field) => [...textsIn(proxy[field])].flatMap((text) => hostOfAddress(text) ?? [])));
    return [...hosts].map((reference) => ({ reference, by: `MeshConfig defaultConfig.${said}` }));
  });
}
