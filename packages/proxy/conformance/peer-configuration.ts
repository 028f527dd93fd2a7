/**
 * Envoy and nginx as plain reverse proxies: every host and path goes to one upstream. What is not
 * named here is at its default.
 */

/**
 * An Envoy that closes a connection as soon as it has answered that it will: nobody is to be waited
 * for here.
 */
export function envoyConfiguration(port: number, upstreamPort: number): object {
  const route = { cluster: "upstream", timeout: "0s" };
  const manager = {
    stat_prefix: "in",
    delayed_close_timeout: "0s",
    // As Istio configures it.
    upgrade_configs: [{ upgrade_type: "websocket" }],
    http_filters: [typed("envoy.filters.http.router", "filters.http.router.v3.Router", {})],
    // Not a prefix: the asterisk of OPTIONS and a query without path have none.
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { safe_regex: { regex: ".*" } }, route }] }] },
  };
  const httpManager = "filters.network.http_connection_manager.v3.HttpConnectionManager";
  const filters = [typed("envoy.filters.network.http_connection_manager", httpManager, manager)];
  const cluster = {
    name: "upstream",
    type: "STATIC",
    // HTTP/2 goes on as HTTP/2, HTTP/1.1 as HTTP/1.1: Istio's useClientProtocol.
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: "upstream", endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(upstreamPort) } }] }] },
  };
  return { static_resources: { listeners: [{ name: "in", address: loopback(port), filter_chains: [{ filters }] }], clusters: [cluster] } };
}

function loopback(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function typed(name: string, type: string, config: object): object {
  return { name, typed_config: { "@type": `type.googleapis.com/envoy.extensions.${type}`, ...config } };
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** An nginx in one process that writes only into `folder`. */
export function nginxConfiguration(folder: string, port: number, upstreamPort: number): string {
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr emerg;
events { worker_connections 256; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  lingering_close off;
  upstream all { server 127.0.0.1:${upstreamPort}; keepalive 16; }
  server {
    listen 127.0.0.1:${port} default_server;
    location / {
      proxy_pass http://all;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}
`;
}
