import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openSocket } from "../../src/testing/client.ts";
import { FLAG, type FrameSocket, frame, openFrames, PREFACE, TYPE, unfinishedHeader } from "../../src/testing/frames.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, startProxy } from "../../src/testing/proxy-under-test.ts";

interface Ending {
  /** What the log says of it. */
  readonly cause: RegExp;
  readonly options?: Parameters<typeof startProxy>[2];
  /** Does what the connection is ended for. @returns its own port */
  act(t: TestContext, proxy: ProxyUnderTest): Promise<number | undefined>;
}

async function sendFrames(t: TestContext, { port }: ProxyUnderTest, ...frames: Buffer[]): Promise<number | undefined> {
  const client: FrameSocket = await openFrames(t, port);
  const { localPort } = client.socket;
  client.send(...frames);
  return localPort;
}

const ping = frame(TYPE.PING, FLAG.NONE, 0, "12345678");
const ENDINGS: Readonly<Record<string, Ending>> = {
  FLOOD: {
    cause: /PING or SETTINGS/,
    options: { http2: { maxControlFrames: 3 } },
    act: (t, proxy) => sendFrames(t, proxy, ...Array.from({ length: 10 }, () => ping)),
  },
  PROTOCOL_ERROR: {
    cause: /./,
    // RFC 9113 §6.1: DATA belongs to a stream.
    act: (t, proxy) => sendFrames(t, proxy, frame(TYPE.DATA, FLAG.NONE, 0, "x")),
  },
  NO_SETTINGS: {
    cause: /SETTINGS did not come in time/,
    options: { listener: { headersTimeout: 100 } },
    async act(t, { port }) {
      const socket = await openSocket(port);
      t.after(() => socket.destroy());
      const { localPort } = socket;
      socket.write(PREFACE);
      return localPort;
    },
  },
  UNFINISHED: {
    cause: /a header did not come to its end/,
    options: { listener: { headersTimeout: 100 } },
    act: (t, proxy) => sendFrames(t, proxy, unfinishedHeader()),
  },
};

for (const [reason, { cause, options = {}, act }] of Object.entries(ENDINGS)) {
  test(`T-45 an HTTP/2 connection that is ended with ${reason} is counted, and logged with its client`, async (t) => {
    const proxy = await startProxy(t, {}, options);
    const port = await act(t, proxy);
    await proxy.until(`fenceline_proxy_http2_connections_ended_total{reason="${reason}"}`, 1);

    const lines = proxy.log.filter(({ msg }) => msg === "client connection ended");
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.reason, reason);
    assert.equal(lines[0]?.client, `127.0.0.1:${port}`);
    assert.match(String(lines[0]?.cause), cause);
  });
}

test("an HTTP/2 connection that its client closes leaves no such line", async (t) => {
  const proxy = await startProxy(t, {});
  const session = openSession(t, proxy.port);
  await callHttp2(session);
  session.close();
  await proxy.until("fenceline_proxy_connections", 0);

  assert.ok(!proxy.log.some(({ msg }) => msg === "client connection ended"));
});

test("T-45 the log names the client of a request by HTTP/2 that is refused", async (t) => {
  const proxy = await startProxy(t, {});
  const session = openSession(t, proxy.port);
  await callHttp2(session);

  const [line] = proxy.log.filter(({ msg }) => msg === "request failed");
  assert.equal(line?.client, `127.0.0.1:${session.socket.localPort}`);
});
