/**
 * An Envoy as the receiving sidecar of a mesh: it terminates mTLS, and forwards the client's
 * identity.
 */
import { CERTIFICATES, KEY } from "./certificates.ts";
import { type RunningEnvoy, startEnvoy } from "./envoy.ts";

export interface MtlsEnvoyOptions {
  /** What it does with a client's own `x-forwarded-client-cert`: Istio's sidecars append to it. */
  readonly forward: "APPEND_FORWARD" | "SANITIZE_SET";
  /** Port of the global sidecar, and of the collector, on loopback. */
  readonly proxyPort: number;
  readonly collectorPort: number;
  /** More of the collector's cluster, as the chart's EnvoyFilter adds it. */
  readonly collectorCluster?: object;
}

/** Everything but access logs goes to the global sidecar. */
const ROUTES = {
  virtual_hosts: [
    {
      name: "all",
      domains: ["*"],
      routes: [
        { match: { prefix: "/envoy.service.accesslog." }, route: { cluster: "collector", timeout: "0s" } },
        { match: { prefix: "/" }, route: { cluster: "proxy" } },
      ],
    },
  ],
};

export function startMtlsEnvoy(
  binary: string,
  { forward, proxyPort, collectorPort, collectorCluster }: MtlsEnvoyOptions,
): Promise<RunningEnvoy> {
  const tls = {
    require_client_certificate: true,
    common_tls_context: {
      alpn_protocols: ["h2", "http/1.1"],
      tls_certificates: [{ certificate_chain: { inline_string: CERTIFICATES.server }, private_key: { inline_string: KEY } }],
      validation_context: { trusted_ca: { inline_string: CERTIFICATES.ca } },
    },
  };
  const configure = (routesPath: string) => {
    const manager = {
      "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      stat_prefix: "outbound",
      // As Istio configures the listeners of its sidecars.
      forward_client_cert_details: forward,
      set_current_client_cert_details: { subject: true, uri: true, dns: true },
      rds: { route_config_name: "routes", config_source: { path_config_source: { path: routesPath }, resource_api_version: "V3" } },
      http_filters: [{ name: "router", typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
    };
    const chain = {
      transport_socket: {
        name: "tls",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", ...tls },
      },
      filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
    };
    const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
    const clusters = [
      cluster("proxy", proxyPort, { http_protocol_options: {} }),
      { ...cluster("collector", collectorPort, { http2_protocol_options: {} }), ...collectorCluster },
    ];
    return {
      node: { id: "n", cluster: "c" },
      static_resources: { listeners: [{ name: "inbound", address, filter_chains: [chain] }], clusters },
    };
  };
  return startEnvoy(binary, configure, ROUTES);
}

/**
 * No limit, as in Istio's clusters. With Envoy's default of 1,024 requests, Envoy itself would
 * refuse a well-behaved stream beside a flood ("overflow").
 */
const NO_LIMIT = 2 ** 32 - 1;
const CIRCUIT_BREAKERS = {
  thresholds: [{ max_connections: NO_LIMIT, max_pending_requests: NO_LIMIT, max_requests: NO_LIMIT, max_retries: NO_LIMIT }],
};

function cluster(name: string, port: number, protocol: object): object {
  const options = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: protocol,
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    circuit_breakers: CIRCUIT_BREAKERS,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
  };
}
