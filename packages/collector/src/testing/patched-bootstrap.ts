/**
 * A static Envoy configuration with what an EnvoyFilter patches in, as istiod would, so that a real
 * Envoy can say whether it takes it. For HTTP filters, virtual hosts and routes.
 */
import type { ConfigPatch, EnvoyFilter, EnvoyValue } from "@fenceline/api";

type Fields = Record<string, EnvoyValue>;

interface VirtualHost {
  readonly name: string;
  readonly routes: ReadonlySet<string>;
}

const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
/** Where a patch names none. */
const SOME = "some";

/** One listener for each context, with the virtual hosts and routes that the patches name. */
export function patchedBootstrap({ spec: { configPatches } }: EnvoyFilter): object {
  const byContext = Map.groupBy(configPatches, ({ match }) => match?.context ?? "ANY");
  const listeners = [...byContext].map(([context, patches]) => listener(context, patches));
  return { static_resources: { listeners, clusters: [{ name: "none", connect_timeout: "1s" }] } };
}

function listener(name: string, patches: readonly ConfigPatch[]): object {
  const filters = patches.filter(({ applyTo }) => applyTo === "HTTP_FILTER").map(({ patch }) => patch.value ?? {});
  const manager = {
    "@type": MANAGER,
    stat_prefix: name,
    route_config: { name, virtual_hosts: virtualHosts(patches).map((host, index) => virtualHost(host, index, patches)) },
    http_filters: [...filters, { name: "envoy.filters.http.router", typed_config: { "@type": ROUTER } }],
  };
  return {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] }],
  };
}

function virtualHosts(patches: readonly ConfigPatch[]): readonly VirtualHost[] {
  const hosts = new Map<string, Set<string>>();
  for (const patch of patches) {
    const { route } = vhostOf(patch) ?? {};
    const name = hostOf(patch) ?? SOME;
    hosts.set(name, (hosts.get(name) ?? new Set(["other"])).add(route?.name ?? "default"));
  }
  return [...hosts].map(([name, routes]) => ({ name, routes }));
}

function virtualHost({ name, routes }: VirtualHost, index: number, patches: readonly ConfigPatch[]): Fields {
  const own: Fields = { name, domains: [`host-${index}.test`] };
  for (const patch of patches.filter((each) => each.applyTo === "VIRTUAL_HOST" && takes(each, name)))
    merge(own, patch.patch.value as Fields);
  return { ...own, routes: [...routes].map((route) => routeOf(route, name, patches)) };
}

function routeOf(route: string, host: string, patches: readonly ConfigPatch[]): Fields {
  const own: Fields = { name: route, match: { prefix: `/${route}` }, route: { cluster: "none" } };
  for (const patch of patches.filter((each) => each.applyTo === "HTTP_ROUTE" && takes(each, host, route)))
    merge(own, patch.patch.value as Fields);
  return own;
}

/** The virtual host that is meant. An inbound route configuration stands for its only one. */
function hostOf(patch: ConfigPatch): string | undefined {
  return patch.match?.routeConfiguration?.name ?? vhostOf(patch)?.name;
}

function vhostOf({ match }: ConfigPatch) {
  return match?.routeConfiguration?.vhost;
}

function takes(patch: ConfigPatch, host: string, route?: string): boolean {
  const name = hostOf(patch);
  const { route: wanted } = vhostOf(patch) ?? {};
  return (name === undefined || name === host) && (wanted?.name === undefined || wanted.name === route);
}

/** Lists are appended, and an entry of a map is replaced whole, as Istio merges. */
function merge(into: Fields, from: Fields): void {
  for (const [key, value] of Object.entries(from)) {
    const known = into[key];
    if (Array.isArray(value)) into[key] = [...(Array.isArray(known) ? (known as EnvoyValue[]) : []), ...(value as EnvoyValue[])];
    else if (key === "typed_per_filter_config") into[key] = { ...(known as Fields), ...(value as Fields) };
    else if (typeof value === "object" && typeof known === "object") merge(known as Fields, value as Fields);
    else into[key] = value;
  }
}
