import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { open, readAnswer, refusalOf } from "../../src/testing/client.ts";
import { head, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const MIB = 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const STALLED = 'fenceline_proxy_requests_total{outcome="CALL_STALLED"}';
const HONEST = "reviews.bookinfo.svc.cluster.local";

/** A client that Node's own limit does not keep from offering much. */
function openClient(t: TestContext, port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1_000_000 });
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

/** Resolves with the bytes held once some uploads were ended and no more than `limit` is held. */
async function untilBounded(proxy: ProxyUnderTest, limit: number): Promise<void> {
  await until(async () => (await proxy.metric(STALLED)) > 0 && (await proxy.metric(HELD)) <= limit);
}

test("T-10 HTTP/2 uploads that their destination does not take hold a bounded sum of bytes, and a slow one beside them finishes", async (t) => {
  const limit = 8 * MIB;
  const [streams, offered] = [200, Buffer.alloc(128 * 1024)];
  const deaf = await startHttp2Upstream(t, (stream) => stream.pause());
  const slow = await startHttp2Upstream(t, async (stream) => {
    let received = 0;
    for await (const chunk of stream) received += chunk.length;
    stream.respond();
    stream.end(String(received));
  });
  const services = { [SERVICE]: [deaf.port], [HONEST]: [slow.port] };
  const proxy = await startProxy(t, services, { load: { maxHeldBytes: limit, maxTurn: 0 } });
  const honest = openClient(t, proxy.port).request(head({ ":method": "POST", ":authority": HONEST }));
  const answered = readHttp2(honest);
  honest.write(Buffer.alloc(1_000));

  const ended = Promise.withResolvers<unknown>();
  for (const session of [openClient(t, proxy.port), openClient(t, proxy.port)]) {
    for (let i = 0; i < streams; i += 1) {
      const upload = session.request(head({ ":method": "POST" }));
      upload.on("response", (fields) => ended.resolve(fields["fenceline-error"])).on("error", () => {});
      upload.write(offered);
    }
  }
  // All that was not ended holds all that it offered: more than the limit, were none ended.
  assert.ok(2 * streams * offered.length > 5 * limit);
  await untilBounded(proxy, limit);
  for (let i = 0; i < 10; i += 1) {
    honest.write(Buffer.alloc(1_000));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  honest.end();

  assert.equal(await ended.promise, "CALL_STALLED");
  assert.ok((await proxy.metric(HELD)) <= limit);
  // What offers more than the limit cannot stay.
  assert.ok((await proxy.metric(STALLED)) > 2 * streams - (2 * limit) / (64 * 1024));
  const answer = await answered;
  assert.deepEqual([answer.status, answer.body], [200, "11000"]);
});

test("T-10 the same over HTTP/1.1: the client of an upload that was ended gets 504", async (t) => {
  const deaf = await startRawUpstream(t, (socket) => socket.pause());
  const proxy = await startProxy(t, { [SERVICE]: [deaf.port] }, { load: { maxHeldBytes: MIB / 4, maxTurn: 0 } });
  const piece = Buffer.alloc(MIB);

  const answers = Array.from({ length: 16 }, () => {
    const upload = open(proxy.port, { method: "POST" });
    t.after(() => upload.destroy());
    // Without an end, and more than the kernel holds for both connections.
    const pump = () => {
      while (upload.write(piece));
    };
    upload.on("drain", pump);
    pump();
    return readAnswer(upload).catch(() => undefined);
  });
  // Beyond twice the limit nobody is given any time.
  await untilBounded(proxy, MIB / 2);

  const first = await Promise.race(answers);
  assert.equal(first?.status, 504);
  assert.equal(first && refusalOf(first).code, "CALL_STALLED");
});

test("T-10 bytes that wait for a destination to connect count, too, and are given back when their client leaves", async (t) => {
  // It accepts and never says its SETTINGS.
  const silent = await startRawUpstream(t, (socket) => socket.resume());
  const proxy = await startProxy(t, { [SERVICE]: [silent.port] }, { upstream: { connectTimeout: 60_000 } });
  const session = openClient(t, proxy.port);
  const upload = session.request(head({ ":method": "POST" }));
  upload.on("error", () => {});
  upload.write(Buffer.alloc(50_000));
  await until(async () => (await proxy.metric(HELD)) >= 50_000);

  upload.close();
  await once(upload, "close");

  await proxy.until(HELD, 0);
});
