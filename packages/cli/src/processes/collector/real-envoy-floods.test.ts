import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type ClientHttp2Stream, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { encodeAccessLogMessage } from "@fenceline/als";
import { until } from "@fenceline/api/testing";
import { FLAG, FRAME, frame, framed, hpack, PREFACE } from "@fenceline/wire/testing/frames";
import { parseAllDocuments } from "yaml";
import { toolPath } from "../../../../../scripts/tools/tools.mjs";
import { CERTIFICATES, KEY } from "../../testing/certificates.ts";
import { get, startFenceline } from "../../testing/fenceline-process.ts";
import { startMtlsEnvoy } from "../../testing/mtls-envoy.ts";
import { meshOf } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

/**
 * Floods of the access-log port by one workload, through a real Envoy with mTLS that is configured
 * as the chart's EnvoyFilter configures the collector's own, and an honest workload beside it.
 */

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";

const CONNECTIONS = 100;
const IN_FLIGHT = 100;
/** Of each connection, every 20 ms. More keep Envoy itself busy. */
const RESETS = 2;
/** Edges that are learned of streams that were open before, and of new connections. */
const EDGES = 10;
const NEWCOMERS = 5;
const STREAM = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const CALL = hpack({ ":method": "POST", ":scheme": "https", ":path": STREAM, ":authority": "c", "content-type": "application/grpc" });
const CANCEL = Buffer.from([0, 0, 0, 8]);
const GOLDEN = new URL("../../../../../charts/fenceline/testdata/defaults.golden.yaml", import.meta.url);

/** What the chart's EnvoyFilter merges into the cluster of the access-log port. */
function chartsPatch(): object {
  const filters = parseAllDocuments(readFileSync(GOLDEN, "utf8")).map((document) => document.toJS());
  return filters.find(({ kind, metadata }) => kind === "EnvoyFilter" && metadata.name === "fenceline-collector").spec.configPatches[0].patch
    .value;
}

async function setUp(t: TestContext) {
  const undo = undoAfter(t);
  assert.ok(binary !== undefined, "no Envoy binary");
  const folder = mkdtempSync(join(tmpdir(), "fenceline-floods-"));
  undo(() => rmSync(folder, { recursive: true, force: true }));
  const names = Array.from({ length: EDGES + NEWCOMERS }, (_, index) => `s${index}`);
  writeFileSync(join(folder, "mesh.yaml"), meshOf(Object.fromEntries(names.map((name) => [name, 1]))));
  const fenceline = await startFenceline(folder);
  undo(() => {
    fenceline.kill("SIGKILL");
    return fenceline.ended;
  });
  const ports = { proxyPort: fenceline.proxyPort, collectorPort: fenceline.alsPort };
  const envoy = await startMtlsEnvoy(binary, { forward: "APPEND_FORWARD", ...ports, collectorCluster: chartsPatch() });
  undo(() => envoy.stop());
  const learns = (name: string) =>
    until(async () => (await get(fenceline.apiPort, "/api/v1/edges?namespace=test1")).body.includes(`"${name}.test1.svc.cluster.local"`));
  return { t, port: envoy.port, learns };
}

/** An open stream of the fence's own workload, and what it says to call this service. */
function honest({ t, port }: { t: TestContext; port: number }): (name: string) => void {
  const session = connect(`https://127.0.0.1:${port}`, { ca: CERTIFICATES.ca, cert: CERTIFICATES.own, key: KEY, servername: "localhost" });
  session.on("error", () => {});
  t.after(() => session.destroy());
  const stream: ClientHttp2Stream = session.request({ ":method": "POST", ":path": STREAM, "content-type": "application/grpc" });
  stream.on("error", () => {}).resume();
  const identifier = { logName: "fenceline/test1/a", node: { id: "n" } };
  return (name) => {
    const entries = [{ upstreamCluster: `outbound|80||${name}.test1.svc.cluster.local`, responseCode: 200 }];
    stream.write(framed(encodeAccessLogMessage({ identifier, entries })));
  };
}

/** What a connection of the attacker's does, once it is open: a function that goes on as it may. */
const FLOODS: Readonly<Record<string, (socket: TLSSocket) => () => void>> = {
  "new streams": (socket) => {
    let flying = 0;
    let next = 1;
    socket.on("data", (chunk: Buffer) => {
      // An answer is a frame of 60 bytes and more, and nothing else is that often.
      flying = Math.max(0, flying - Math.ceil(chunk.length / 60));
    });
    return () => {
      for (; flying < IN_FLIGHT; flying++, next += 2) socket.write(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, next, CALL));
    };
  },
  "streams that are reset": (socket) => {
    let next = 1;
    return () => {
      for (let count = 0; count < RESETS && socket.writableLength < 65_536; count++, next += 2)
        socket.write(Buffer.concat([frame(FRAME.HEADERS, FLAG.END_HEADERS, next, CALL), frame(FRAME.RST_STREAM, 0, next, CANCEL)]));
    };
  },
  "new connections": (socket) => {
    let isOpened = false;
    return () => {
      if (isOpened) socket.destroy();
      else socket.write(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, CALL));
      isOpened = true;
    };
  },
};

/** Floods until the signal. Connections that end come again. */
function flood(kind: (socket: TLSSocket) => () => void, port: number, signal: AbortSignal): void {
  const going = new Map<TLSSocket, () => void>();
  const open = () => {
    if (signal.aborted) return;
    const identity = { ca: CERTIFICATES.ca, cert: CERTIFICATES.evil, key: KEY, servername: "localhost", ALPNProtocols: ["h2"] };
    const socket = connectTls({ host: "127.0.0.1", port, ...identity });
    socket.on("error", () => {}).resume();
    socket.on("secureConnect", () => {
      socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
      going.set(socket, kind(socket));
    });
    socket.on("close", () => {
      going.delete(socket);
      setTimeout(open, 20);
    });
  };
  for (let count = 0; count < CONNECTIONS; count++) open();
  const timer = setInterval(() => {
    for (const go of going.values()) go();
  }, 20);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    for (const socket of going.keys()) socket.destroy();
  });
}

for (const [what, kind] of Object.entries(FLOODS))
  test(`T-09 through a real Envoy, beside ${CONNECTIONS} connections of another workload with ${what}, all edges of an honest one are learned`, {
    skip,
  }, async (t) => {
    const scene = await setUp(t);
    const open = honest(scene);
    open("s0");
    await scene.learns("s0");
    const ended = new AbortController();
    t.after(() => ended.abort());
    flood(kind, scene.port, ended.signal);
    for (let turns = 0; turns < 50; turns++) await turn();
    const times: number[] = [];
    for (let index = 1; index < EDGES + NEWCOMERS; index++) {
      const say = index < EDGES ? open : honest(scene);
      const begin = performance.now();
      say(`s${index}`);
      await scene.learns(`s${index}`);
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`median ${times[times.length >> 1]?.toFixed()} ms, longest ${times.at(-1)?.toFixed()} ms`);
  });
