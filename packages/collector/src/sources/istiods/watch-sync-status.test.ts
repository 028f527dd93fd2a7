import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { ReverseWriter } from "@fenceline/wire";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { CERTIFICATES, KEY } from "../../../../cli/src/testing/certificates.ts";
import type { ProxySync } from "./sync-status.ts";
import { watchSyncStatus } from "./watch-sync-status.ts";

type Stream = ServerDuplexStream<Buffer, Buffer>;

const asBytes = (bytes: Buffer) => bytes;
const DEFINITION = {
  StreamAggregatedResources: {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    ...{ requestStream: true, responseStream: true },
    ...{ requestSerialize: asBytes, requestDeserialize: asBytes, responseSerialize: asBytes, responseDeserialize: asBytes },
  },
};

/** A server that speaks TLS and gRPC as istiod does, and answers as the test says. */
async function startServer(t: TestContext, onQuestion: (stream: Stream, question: string) => void): Promise<string> {
  const server = new Server();
  server.addService(DEFINITION, {
    StreamAggregatedResources: (stream: Stream) => stream.on("data", (bytes: Buffer) => onQuestion(stream, bytes.toString("latin1"))),
  });
  const pair = { private_key: Buffer.from(KEY), cert_chain: Buffer.from(CERTIFICATES.server) };
  const credentials = ServerCredentials.createSsl(null, [pair]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  t.after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

function answer(nonce: string, pod: string): Buffer {
  const writer = new ReverseWriter();
  writer.string(5, nonce);
  const any = writer.size;
  writer.string(1, pod);
  writer.message(1, any);
  writer.message(2, any);
  writer.message(2, any);
  return writer.take();
}

function watch(t: TestContext, target: string, { serverName = "localhost", roots = CERTIFICATES.ca } = {}) {
  const told: (readonly ProxySync[])[] = [];
  const lost: string[] = [];
  const watching = watchSyncStatus({
    ...{ target, serverName, interval: 1, own: { name: "collector", namespace: "fenceline" } },
    roots: () => Buffer.from(roots),
    token: () => "secret",
    onStatus: ({ proxies }) => told.push(proxies),
    onLost: (reason) => lost.push(reason),
  });
  t.after(() => watching.close());
  return { told, lost, watching };
}

test("issue 16: istiod is asked again and again, each time by the answer before, with our token", async (t) => {
  const questions: string[] = [];
  const tokens = new Set<unknown>();
  const target = await startServer(t, (stream, question) => {
    questions.push(question);
    tokens.add(stream.metadata.get("authorization")[0]);
    stream.write(answer(`n${questions.length}`, `a-${questions.length}.test1`));
  });
  const { told, lost } = watch(t, target);
  await until(() => told.length >= 3);
  assert.deepEqual([told[0]?.[0]?.name, told[2]?.[0]?.name], ["a-1", "a-3"]);
  assert.match(questions[0] ?? "", /collector\.fenceline/);
  assert.match(questions[2] ?? "", /n2/);
  assert.deepEqual([[...tokens], lost], [["Bearer secret"], []]);
});

test("issue 16: a stream that istiod refuses or ends is told with the reason, and opened again", async (t) => {
  let asked = 0;
  const target = await startServer(t, (stream) => {
    asked += 1;
    if (asked === 1) stream.emit("error", { code: status.UNAUTHENTICATED, details: "authentication required", metadata: new Metadata() });
    else if (asked === 2) stream.end();
    else stream.write(answer("n", "a.test1"));
  });
  const { told, lost } = watch(t, target);
  await until(() => told.length > 0);
  assert.match(lost[0] ?? "", /authentication required/);
  assert.equal(lost[1], "istiod ended the stream");
});

test("issue 16: an answer that is none ends the stream, and another server than the one that is meant is not believed", async (t) => {
  const target = await startServer(t, (stream) => stream.write(Buffer.from([0xff])));
  const broken = watch(t, target);
  const other = watch(t, target, { serverName: "istiod.istio-system.svc" });
  await until(() => broken.lost.length > 0 && other.lost.length > 0);
  assert.equal(broken.lost[0], "the answer is no sync status");
  assert.match(other.lost[0] ?? "", /altnames|certificate/i);
  assert.deepEqual([broken.told, other.told], [[], []]);
});

test("issue 16: credentials that cannot be read are told, and tried again", async (t) => {
  const target = await startServer(t, (stream) => stream.write(answer("n", "a.test1")));
  let reads = 0;
  const told: unknown[] = [];
  const lost: string[] = [];
  const watching = watchSyncStatus({
    ...{ target, serverName: "localhost", interval: 60_000, own: { name: "c", namespace: "fenceline" }, token: () => "secret" },
    roots: () => {
      reads += 1;
      if (reads === 1) throw new Error("ENOENT: no such file");
      return Buffer.from(CERTIFICATES.ca);
    },
    onStatus: (seen) => told.push(seen),
    onLost: (reason) => lost.push(reason),
  });
  t.after(() => watching.close());
  await until(() => told.length === 1);
  assert.deepEqual(lost, ["ENOENT: no such file"]);
});
