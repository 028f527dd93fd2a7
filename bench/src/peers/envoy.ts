import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TOOLS } from "../places.ts";
import { freePort } from "../process.ts";

/** How to start Envoy as a dynamic forward proxy, and where it then listens. */
export interface EnvoyCommand {
  readonly args: readonly string[];
  readonly port: number;
}

const CACHE = { name: "peers", dns_lookup_family: "V4_ONLY" };

/**
 * Writes the configuration of an Envoy that forwards each request to its Host, with one worker
 * thread and no access log.
 */
export async function envoyCommand(): Promise<EnvoyCommand> {
  const port = await freePort();
  const folder = join(TOOLS, "bench");
  await mkdir(folder, { recursive: true });
  const file = join(folder, "envoy.json");
  await writeFile(file, JSON.stringify(configuration(port)));
  return { port, args: ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"] };
}

function configuration(port: number) {
  const filters = [
    typed("envoy.filters.http.dynamic_forward_proxy", "filters.http.dynamic_forward_proxy.v3.FilterConfig", { dns_cache_config: CACHE }),
    typed("envoy.filters.http.router", "filters.http.router.v3.Router", {}),
  ];
  const route = {
    match: { prefix: "/" },
    route: { cluster: "dynamic", timeout: "0s" },
    request_headers_to_remove: ["fence-source", "slime-orig-dest", "slime-source-ns"],
  };
  const manager = {
    stat_prefix: "bench",
    http_filters: filters,
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
  };
  const chain = {
    filters: [
      typed("envoy.filters.network.http_connection_manager", "filters.network.http_connection_manager.v3.HttpConnectionManager", manager),
    ],
  };
  const cluster = {
    name: "dynamic",
    lb_policy: "CLUSTER_PROVIDED",
    cluster_type: typed("envoy.clusters.dynamic_forward_proxy", "clusters.dynamic_forward_proxy.v3.ClusterConfig", {
      dns_cache_config: CACHE,
    }),
    // HTTP/2 in, HTTP/2 out: what a cluster of gRPC services needs, and what Fenceline does.
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        // Required for this kind of cluster; there is no TLS here.
        upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true },
        use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
      },
    },
    // The defaults are 1,024, too, far above the 256 connections of the benchmark. Named for
    // clarity.
    circuit_breakers: { thresholds: [{ max_connections: 1024, max_pending_requests: 1024, max_requests: 1024 }] },
  };
  const listener = { name: "in", address: { socket_address: { address: "127.0.0.1", port_value: port } }, filter_chains: [chain] };
  return { static_resources: { listeners: [listener], clusters: [cluster] } };
}

function typed(name: string, type: string, config: object) {
  return { name, typed_config: { "@type": `type.googleapis.com/envoy.extensions.${type}`, ...config } };
}
