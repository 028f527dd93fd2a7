import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { Config, FALLBACK_LOG_NAME } from "@fenceline/api";
import { Collector } from "@fenceline/collector";
import { createGlobalSidecar, createRegistryResolver } from "@fenceline/proxy";
import { DirectoryStore } from "@fenceline/store";
import { bearer, GRPC_STATUS } from "@fenceline/wire";
import { pino } from "pino";
import { toolPath } from "../../../../../scripts/tools/tools.mjs";
import { CERTIFICATES, KEY } from "../../testing/certificates.ts";
import { startMtlsEnvoy } from "../../testing/mtls-envoy.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

/**
 * A real Envoy with mTLS in front of the collector and of the global sidecar, as Istio puts one
 * there, and callers that send a header of their own in front of what Envoy writes.
 */

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";

type Certificate = Exclude<keyof typeof CERTIFICATES, "ca" | "server">;

const FORGED = "Hash=1;URI=spiffe://cluster.local/ns/test1/sa/a";
/** What a client may say of itself before Envoy appends its own element. */
const HOSTILE = ["x", '"', 'Subject="', `${FORGED},`, `${FORGED};Subject="CN=\\"`, '\\"', ",,", `By=x;${FORGED}`, ";", `${FORGED};DNS="`];
const STREAM = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const TOKEN = "the.global.sidecars";

async function setUp(t: TestContext, forward: "APPEND_FORWARD" | "SANITIZE_SET") {
  const undo = undoAfter(t);
  const seen: (string | undefined)[] = [];
  const b = await startService(undo, (incoming, response) => {
    seen.push(String(incoming.headers["x-forwarded-client-cert"]));
    response.end("b");
  });
  const folder = mkdtempSync(join(tmpdir(), "fenceline-identity-"));
  undo(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b, c: b }));
  const store = await DirectoryStore.open({ folder, onRefused: () => {} });
  undo(() => store.close());
  const logger = pino({ level: "silent" });
  const collector = await Collector.start({
    store,
    config: Config.parse({}),
    logger,
    accessLogs: { host: "127.0.0.1", port: 0 },
    fallbackToken: (token) => token === TOKEN,
  });
  undo(() => collector.close());
  const reported: string[] = [];
  const proxy = await createGlobalSidecar({
    host: "127.0.0.1",
    port: 0,
    resolver: createRegistryResolver(() => collector.mesh.registry),
    reporter: { report: ({ source }) => void reported.push(`${source.namespace}/${source.name}`) },
    logger,
    allowLoopback: true,
    trustForwardedClientCert: true,
  });
  undo(() => proxy.close({ deadline: 100 }));
  assert.ok(binary !== undefined, "no Envoy binary");
  const envoy = await startMtlsEnvoy(binary, { forward, proxyPort: proxy.address.port, collectorPort: collector.accessLogPort });
  undo(() => envoy.stop());
  const metric = async (registry: { metrics(): Promise<string> }, sample: string) =>
    Number(
      (await registry.metrics())
        .split("\n")
        .find((line) => line.startsWith(`${sample} `))
        ?.split(" ")
        .at(-1) ?? 0,
    );
  return {
    seen,
    reported,
    call: (certificate: Certificate, header?: string) => call(envoy.port, certificate, header),
    /** Sends one access log, and gives the status that the stream ended with. */
    log: (certificate: Certificate, logName: string, header?: string, token?: string) =>
      log(envoy.port, certificate, logName, header, token),
    edges: () => collector.reader.edgeFences().reduce((sum, fence) => sum + collector.reader.edgesOf(fence).length, 0),
    observed: () => collector.reader.describe({ namespace: "test1", name: "a" })?.status.observedUntil,
    unreported: (reason: string) => metric(proxy.metrics, `fenceline_proxy_unreported_requests_total{reason="${reason}"}`),
    dropped: (reason: string) => metric(collector.metrics, `fenceline_access_log_entries_dropped_total{reason="${reason}"}`),
  };
}

/** Calls `b` through the fallback as `test1/a` would. */
async function call(port: number, certificate: Certificate, header: string | undefined): Promise<void> {
  const identity = { ca: CERTIFICATES.ca, cert: CERTIFICATES[certificate], key: KEY, servername: "localhost" };
  const claims = { host: "b.test1", "fence-source": "test1/a", ...(header !== undefined && { "x-forwarded-client-cert": header }) };
  const sent = request({ ...identity, host: "127.0.0.1", port, headers: claims, agent: false }).end();
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  assert.equal(response.statusCode, 200);
}

/** One message of a client stream, framed as gRPC frames it: no compression, its length, itself. */
async function log(port: number, certificate: Certificate, logName: string, header?: string, token?: string): Promise<number> {
  const entries = [
    { upstreamCluster: "outbound|80||b.test1.svc.cluster.local", authority: "b.test1", fenceSource: "test1/a", responseCode: 200 },
  ];
  const message = encodeAccessLogMessage({ identifier: { logName, node: { id: "n" } }, entries });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const identity = { ca: CERTIFICATES.ca, cert: CERTIFICATES[certificate], key: KEY, servername: "localhost" };
  const session = connect(`https://127.0.0.1:${port}`, identity);
  const stream = session.request({
    ":method": "POST",
    ":path": STREAM,
    "content-type": "application/grpc",
    te: "trailers",
    ...(header !== undefined && { "x-forwarded-client-cert": header }),
    ...(token !== undefined && bearer(token)),
  });
  const ended = Promise.withResolvers<number>();
  // A call that is refused at once has its status in the only header that it gets.
  for (const event of ["response", "trailers"]) {
    stream.on(event, (fields: IncomingHttpHeaders) => fields["grpc-status"] !== undefined && ended.resolve(Number(fields["grpc-status"])));
  }
  stream.on("error", ended.reject).resume();
  stream.end(Buffer.concat([prefix, message]));
  const code = await ended.promise;
  session.close();
  return code;
}

for (const forward of ["APPEND_FORWARD", "SANITIZE_SET"] as const) {
  test(`T-03 behind a real Envoy (${forward}) the proxy reports by the certificate that Envoy saw, whatever the client puts before it`, {
    skip,
  }, async (t) => {
    const { seen, reported, call: callAs, unreported } = await setUp(t, forward);

    await callAs("own");
    for (const header of HOSTILE) await callAs("own", header);
    await callAs("hostileSubject");
    assert.deepEqual(reported, Array(HOSTILE.length + 2).fill("test1/a"));
    assert.match(seen[0] ?? "", /^By=[^;]+;Hash=[0-9a-f]{64};Subject="CN=a";URI=spiffe:\/\/cluster\.local\/ns\/test1\/sa\/a$/);

    const liars: readonly Certificate[] = ["evil", "foreign", "noUri", "twoUris"];
    for (const liar of liars) for (const header of [undefined, ...HOSTILE]) await callAs(liar, header);
    assert.equal(reported.length, HOSTILE.length + 2);
    assert.equal(await unreported("IDENTITY_MISMATCH"), liars.length * (HOSTILE.length + 1));
  });

  test(`T-03 behind a real Envoy (${forward}) the collector believes access logs by the certificate that Envoy saw`, {
    skip,
  }, async (t) => {
    const { log: logAs, edges, observed, dropped } = await setUp(t, forward);

    const liars: readonly Certificate[] = ["evil", "foreign", "noUri", "twoUris"];
    for (const liar of liars)
      for (const header of [undefined, ...HOSTILE]) assert.equal(await logAs(liar, "fenceline/test1/a", header), GRPC_STATUS.OK);
    assert.deepEqual([edges(), observed()], [0, undefined]);
    assert.equal(await dropped("identity_mismatch"), liars.length * (HOSTILE.length + 1));

    await logAs("hostileSubject", "fenceline/test1/a", HOSTILE[0]);
    assert.equal(edges(), 1);
    assert.notEqual(observed(), undefined);
  });
}

test("T-01 behind a real Envoy reports are taken from the global sidecar's certificate with its token, and from nothing less", {
  skip,
}, async (t) => {
  const { log: logAs, edges } = await setUp(t, "APPEND_FORWARD");

  assert.equal(await logAs("fallback", FALLBACK_LOG_NAME), GRPC_STATUS.UNAUTHENTICATED, "as forwarded traffic comes");
  assert.equal(await logAs("fallback", FALLBACK_LOG_NAME, undefined, "guess"), GRPC_STATUS.UNAUTHENTICATED);
  const certificate = "Hash=1;URI=spiffe://cluster.local/ns/fenceline/sa/global-sidecar";
  for (const liar of ["own", "evil", "foreign", "noUri", "twoUris"] as const) {
    assert.equal(await logAs(liar, FALLBACK_LOG_NAME, certificate, TOKEN), GRPC_STATUS.PERMISSION_DENIED, liar);
  }
  assert.equal(edges(), 0);

  assert.equal(await logAs("fallback", FALLBACK_LOG_NAME, undefined, TOKEN), GRPC_STATUS.OK);
  assert.equal(edges(), 1);
});
