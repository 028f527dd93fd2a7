import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { framed } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { type AccessLogServerOptions, createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { type RawHttp2, rawHttp2 } from "../src/testing/http2-client.ts";

const RESOURCE_EXHAUSTED = 8;
const certificate = (namespace: string, more = "") => ({
  "x-forwarded-client-cert": `${more}By=spiffe://c;Hash=1;Subject="";URI=spiffe://cluster.local/ns/${namespace}/sa/x`,
});
const message = (authority: string) =>
  framed(encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n", namespace: "test1" } }, entries: [{ authority }] }));

/**
 * What an attacker does with streams of its own, on the connection that Istio's sidecar has put it
 * on.
 */
const FLOODS: Readonly<Record<string, { readonly limit: string; readonly flood: (client: RawHttp2) => Promise<unknown> }>> = {
  "opens streams all the time": {
    limit: "stream_rate",
    flood: async (client) => {
      for (let count = 0; count < 40; count += 1) {
        const { stream, status } = client.call(certificate("evil"));
        stream.end(framed(Buffer.alloc(0)));
        await status;
      }
    },
  },
  "resets streams all the time": {
    limit: "stream_rate",
    flood: async (client) => {
      for (let count = 0; count < 400; count += 1) {
        const { stream, status } = client.call(certificate("evil"));
        stream.close();
        await status;
      }
    },
  },
  "sends long headers": {
    limit: "overhead",
    flood: async (client) => {
      for (let count = 0; count < 6; count += 1) {
        const { stream, status } = client.call(certificate("evil", `By=${"x".repeat(20_000)},`));
        stream.end(framed(Buffer.alloc(0)));
        await status;
      }
    },
  },
  "sends its bytes one by one": {
    limit: "overhead",
    flood: async (client) => {
      const { stream, status } = client.call(certificate("evil"));
      for (let count = 0; count < 20_000 && !stream.destroyed; count += 1)
        await new Promise<void>((resolve) => stream.write(Buffer.from([0]), () => resolve()));
      assert.equal(await status, RESOURCE_EXHAUSTED);
    },
  },
};

async function start(t: TestContext, limits: AccessLogServerOptions["limits"]) {
  const sink = new CollectingSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, limits: limits ?? {} });
  t.after(() => server.close(0));
  return { sink, client: rawHttp2(t, server.port) };
}

for (const [what, { limit, flood }] of Object.entries(FLOODS))
  test(`T-10 a peer that ${what} is refused alone: others on its connection, which is the sidecar's, go on`, async (t) => {
    const { sink, client } = await start(t, { maxStreamsPerPeer: 10, streamRate: 1, overheadBurst: 40_000, overheadRate: 1 });
    const { stream } = client.call(certificate("honest"));
    stream.write(message("before"));
    await sink.until(() => sink.authorities.includes("before"));
    await flood(client);
    assert.deepEqual(Object.keys(sink.limits), [limit]);
    stream.write(message("after"));
    await sink.until(() => sink.authorities.includes("after"));
    const newcomer = client.call(certificate("newcomer"));
    newcomer.stream.end(message("new"));
    assert.equal(await newcomer.status, 0);
    assert.deepEqual([client.session.closed, stream.closed], [false, false]);
  });
