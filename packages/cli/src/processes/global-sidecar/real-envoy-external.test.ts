import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Config, type ConfigPatch, type EnvoyFilter } from "@fenceline/api";
import { Collector } from "@fenceline/collector";
import { createGlobalSidecar, createRegistryResolver } from "@fenceline/proxy";
import { type Resolver, toAddress } from "@fenceline/proxy/data-path";
import { DirectoryStore } from "@fenceline/store";
import { pino } from "pino";
import { parse } from "yaml";
import { toolPath } from "../../../../../scripts/tools/tools.mjs";
import { CERTIFICATES, KEY } from "../../testing/certificates.ts";
import { startEnvoy } from "../../testing/envoy.ts";
import { startMtlsEnvoy } from "../../testing/mtls-envoy.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

/**
 * Calls out of the mesh from a fenced workload, through two real Envoys with mTLS between them: its
 * own, with the routes of the fence's EnvoyFilter as they were rendered, and that of the global
 * sidecar. The test plays istiod: the catch-all virtual host is the one that Istio makes of the
 * caller's `outboundTrafficPolicy`, and what is rendered for it stands in front of Istio's own
 * route. It plays iptables, too: where a connection was to go is told by the PROXY protocol.
 */

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it";

const FALLBACK = "outbound|80||global-sidecar.fenceline.svc.cluster.local";
const PASSTHROUGH = "PassthroughCluster";
/** What Istio makes of a policy: the virtual host's name, and its route (istio/istio, route.go). */
const CATCH_ALL = {
  ALLOW_ANY: { name: "allow_any", route: { match: { prefix: "/" }, route: { cluster: PASSTHROUGH } } },
  REGISTRY_ONLY: { name: "block_all", route: { match: { prefix: "/" }, direct_response: { status: 502 } } },
} as const;
type Policy = keyof typeof CATCH_ALL;
/**
 * Neither a name of the mesh nor an address: Istio's own route takes it, and the fallback never.
 */
const PUBLIC_NAME = "www.partner.example";
/** Of two labels, as `b.test1` has them: the fence cannot tell it from a service's. */
const SHORT_NAME = "partner.example";

function cluster(name: string, port: number, more: object = {}): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    ...more,
  };
}

/** mTLS with a certificate of the mesh. */
const mtls = (certificate: string) => ({
  transport_socket: {
    name: "tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: "localhost",
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { inline_string: certificate }, private_key: { inline_string: KEY } }],
        validation_context: { trusted_ca: { inline_string: CERTIFICATES.ca } },
      },
    },
  },
});

function bootstrap(routesPath: string, clusters: readonly object[]): object {
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "outbound",
    rds: { route_config_name: "routes", config_source: { path_config_source: { path: routesPath }, resource_api_version: "V3" } },
    http_filters: [{ name: "router", typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
  };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }];
  const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const proxyProtocol = "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
  const listener_filters = [{ name: "proxy_protocol", typed_config: { "@type": proxyProtocol } }];
  return {
    node: { id: "sidecar~127.0.0.1~a.test1~test1", cluster: "a.test1" },
    static_resources: { listeners: [{ name: "outbound", address, listener_filters, filter_chains: [{ filters }] }], clusters },
  };
}

/** The catch-all virtual host of a caller with this policy, patched as the EnvoyFilter says. */
function routesOf(policy: Policy, patches: readonly ConfigPatch[]): object {
  const { name, route } = CATCH_ALL[policy];
  const ours = patches.flatMap(({ applyTo, match, patch }) => {
    const isOurs = applyTo === "HTTP_ROUTE" && JSON.stringify(match).includes(`"${name}"`);
    return isOurs ? [patch.value] : [];
  });
  assert.ok(ours.length > 0, `nothing was rendered for ${name}`);
  return { virtual_hosts: [{ name, domains: ["*"], routes: [...ours.toReversed(), route] }] };
}

/**
 * A fenced caller with this policy, and the certificate of `test1/a` or of somebody else; a service
 * of its mesh, and a server outside of it.
 */
async function setUp(t: TestContext, policy: Policy, identity: "own" | "evil" = "own") {
  const undo = undoAfter(t);
  assert.ok(binary !== undefined, "no Envoy binary");
  const seenOutside: (string | undefined)[] = [];
  const outside = await startService(undo, (incoming, response) => {
    seenOutside.push(incoming.headers.host);
    response.end("outside");
  });
  const b = await startService(undo, (_incoming, response) => response.end("b"));
  const folder = mkdtempSync(join(tmpdir(), "fenceline-external-"));
  undo(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b }));
  const store = await DirectoryStore.open({ folder, onRefused: () => {} });
  undo(() => store.close());
  const logger = pino({ level: "silent" });
  const accessLogs = { host: "127.0.0.1", port: 0 };
  const collector = await Collector.start({ store, config: Config.parse({}), logger, accessLogs });
  undo(() => collector.close());
  const services = createRegistryResolver(() => collector.mesh.registry);
  const resolver: Resolver = {
    resolve: (target) => (target.external === true ? [toAddress(target.host, target.port)] : services.resolve(target)),
  };
  const fallback = { resolver, reporter: { report: () => {} }, externalHosts: "forward", trustForwardedClientCert: true } as const;
  const proxy = await createGlobalSidecar({ host: "127.0.0.1", port: 0, logger, allowLoopback: true, ...fallback });
  undo(() => proxy.close({ deadline: 100 }));
  const ports = { proxyPort: proxy.address.port, collectorPort: collector.accessLogPort };
  const receiving = await startMtlsEnvoy(binary, { forward: "APPEND_FORWARD", ...ports });
  undo(() => receiving.stop());
  const { spec }: EnvoyFilter = parse(readFileSync(join(folder, "rendered/test1/EnvoyFilter-a.yaml"), "utf8"));
  const passthrough = { name: PASSTHROUGH, type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED" };
  const clusters = [cluster(FALLBACK, receiving.port, mtls(CERTIFICATES[identity])), passthrough];
  const calling = await startEnvoy(binary, (path) => bootstrap(path, clusters), routesOf(policy, spec.configPatches));
  undo(() => calling.stop());
  return {
    address: `127.0.0.1:${outside}`,
    seenOutside,
    callOut: (host: string, headers: Readonly<Record<string, string>> = {}) => call(calling.port, outside, { ...headers, host }),
    callService: (host: string) => call(calling.port, 80, { host }),
    detours: () => calling.stat(`cluster.${FALLBACK}.upstream_rq_total`),
  };
}

interface Answer {
  readonly status: number | undefined;
  /** The global sidecar's code, where it refused. */
  readonly code: string | undefined;
  readonly body: string;
}

/** Calls as a connection to this port would come to the caller's Envoy. */
async function call(envoy: number, port: number, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const socket = connect(envoy, "127.0.0.1");
  socket.write(`PROXY TCP4 127.0.0.1 127.0.0.1 1024 ${port}\r\n`);
  const sent = request({ createConnection: () => socket, headers }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = (await response.setEncoding("utf8").toArray()).join("");
  socket.destroy();
  return { status: response.statusCode, code: response.headers["fenceline-error"]?.toString(), body };
}

test("T-05 behind two real Envoys a fenced caller whose policy is ALLOW_ANY reaches an external host by address and by a name of two labels through the fallback, and by any other name without it", {
  skip,
}, async (t) => {
  const { address, seenOutside, callOut, detours } = await setUp(t, "ALLOW_ANY");

  assert.deepEqual(await callOut(address), { status: 200, code: undefined, body: "outside" });
  assert.equal(await detours(), 1, "by way of the fallback");
  assert.deepEqual(await callOut(SHORT_NAME), { status: 200, code: undefined, body: "outside" });
  assert.equal(await detours(), 2, "by way of the fallback");
  assert.deepEqual(await callOut(PUBLIC_NAME), { status: 200, code: undefined, body: "outside" });
  assert.equal(await detours(), 2, "by Istio's own passthrough");
  assert.deepEqual(seenOutside, [address, SHORT_NAME, PUBLIC_NAME]);
});

/** What an application may send to be taken for somebody who may. */
const CLAIMS: readonly Readonly<Record<string, string>>[] = [
  {},
  { "fenceline-outbound": "allow-any" },
  { "fenceline-outbound": "" },
  { "fence-source": "other/z" },
  { "fence-source": "" },
  { "slime-orig-dest": "127.0.0.1:1" },
  { "x-forwarded-client-cert": "Hash=1;URI=spiffe://cluster.local/ns/other/sa/z" },
  { "fence-source": "other/z", "x-forwarded-client-cert": "Hash=1;URI=spiffe://cluster.local/ns/other/sa/z", "fenceline-outbound": "x" },
];

test("T-05 behind two real Envoys a caller whose policy is REGISTRY_ONLY is refused, whatever it says itself, and reaches services", {
  skip,
}, async (t) => {
  const { address, seenOutside, callOut, callService, detours } = await setUp(t, "REGISTRY_ONLY");

  for (const host of [address, SHORT_NAME]) {
    for (const headers of CLAIMS) {
      const { status, code } = await callOut(host, headers);
      assert.deepEqual([status, code], [421, "EXTERNAL_REFUSED"], `${host} ${JSON.stringify(headers)}`);
    }
  }
  assert.equal(await detours(), 2 * CLAIMS.length, "by the global sidecar");
  assert.deepEqual(await callOut(PUBLIC_NAME), { status: 502, code: undefined, body: "" }, "by Istio's own route");
  assert.deepEqual(seenOutside, []);
  assert.deepEqual(await callService("b.test1"), { status: 200, code: undefined, body: "b" });
});

test("T-05 behind two real Envoys a caller with the routes of a fence and another namespace's certificate is refused, whatever it says itself, and reaches services", {
  skip,
}, async (t) => {
  const { address, seenOutside, callOut, callService } = await setUp(t, "ALLOW_ANY", "evil");

  for (const host of [address, SHORT_NAME]) {
    for (const headers of [...CLAIMS, { "x-forwarded-client-cert": "Hash=1;URI=spiffe://cluster.local/ns/test1/sa/a" }]) {
      const { status, code } = await callOut(host, headers);
      assert.deepEqual([status, code], [421, "EXTERNAL_REFUSED"], `${host} ${JSON.stringify(headers)}`);
    }
  }
  assert.deepEqual(seenOutside, []);
  assert.deepEqual(await callService("b.test1"), { status: 200, code: undefined, body: "b" });
});
