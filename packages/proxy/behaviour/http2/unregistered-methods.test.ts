import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { FLAG, frame, hpack, openFrames, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const envoy = toolPath("envoy");
const skip = envoy === undefined ? "no Envoy: npm test installs one" : false;

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

/** What HTTP/1.1 refuses because its parser cannot read it, and HTTP/2 has no trouble with. */
const FORWARDED: Readonly<Record<string, { readonly method: string; readonly path: string }>> = {
  "a method that nobody registered": { method: "LIST", path: "/" },
  "a method in small letters": { method: "get", path: "/" },
  "a method that begins like another": { method: "LOCK-X", path: "/" },
  "the method of HTTP/2's beginning": { method: "PRI", path: "/" },
  "a method of three thousand letters": { method: "X".repeat(3_000), path: "/" },
  "UTF-8 in the path": { method: "GET", path: latin1("/café?q=☕") },
  "bytes that are no UTF-8": { method: "GET", path: "/\xff\x80" },
};

/** What is no method, or no path, in HTTP/2 either (RFC 9110 §9.1, RFC 9113 §8.3.1). */
const REFUSED: Readonly<Record<string, { readonly method: string; readonly path: string }>> = {
  "a method that is no token": { method: "BR@KEN", path: "/" },
  "a method with a blank": { method: "GE T", path: "/" },
  "a line in a method": { method: "GET / HTTP/1.1\r\nx: ", path: "/" },
  "a blank in the path": { method: "GET", path: "/a b" },
  "a line in the path": { method: "GET", path: "/ HTTP/1.1\r\nx: " },
  "a control character in the path": { method: "GET", path: "/\x7f" },
};

async function startEcho(t: TestContext) {
  const seen: { method: unknown; path: unknown }[] = [];
  const { port } = await startHttp2Upstream(t, (stream, { ":method": method, ":path": path }) => {
    seen.push({ method, path });
    stream.respond({}, { endStream: true });
  });
  return { port, seen };
}

/**
 * Sends a request as it stands, which no client library would. @returns whether it was answered,
 * and not reset
 */
async function isAnswered(t: TestContext, port: number, method: string, path: string): Promise<boolean> {
  const frames = await openFrames(t, port);
  const fields = hpack([
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", SERVICE],
    ["fence-source", SOURCE],
  ]);
  frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, fields));
  for (;;) {
    const found = frames.received.find(({ type, stream }) => stream === 1 && (type === TYPE.HEADERS || type === TYPE.RST_STREAM));
    if (found !== undefined || frames.closed) return found?.type === TYPE.HEADERS;
    await frames.more();
  }
}

for (const [what, { method, path }] of Object.entries(FORWARDED)) {
  test(`T-48 by HTTP/2 ${what} goes to the destination byte for byte, as by way of an Envoy`, async (t) => {
    const { port, seen } = await startEcho(t);
    const proxy = await startProxy(t, { [SERVICE]: [port] });
    assert.ok(await isAnswered(t, proxy.port, method, path));
    assert.deepEqual(seen, [{ method, path }]);

    if (envoy === undefined) return;
    assert.ok(await isAnswered(t, await startEnvoyTo(t, envoy, port), method, path));
    assert.deepEqual(seen[1], seen[0]);
  });

  test(`T-48 by HTTP/2 ${what} is a 502 where the destination speaks HTTP/1.1, and nothing of it is sent there`, async (t) => {
    let received = "";
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    assert.ok(await isAnswered(t, proxy.port, method, path));
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="UPSTREAM_INVALID"}'), 1);
    assert.match(received, /^PRI \* HTTP\/2\.0\r\n\r\nSM\r\n\r\n/);
    assert.doesNotMatch(received, /HTTP\/1\.1/);
  });
}

for (const [what, { method, path }] of Object.entries(REFUSED)) {
  test(`T-48 by HTTP/2 ${what} is refused, as by Envoy`, async (t) => {
    const { port, seen } = await startEcho(t);
    const proxy = await startProxy(t, { [SERVICE]: [port] });
    assert.ok(!(await isAnswered(t, proxy.port, method, path)));
    if (envoy !== undefined) assert.ok(!(await isAnswered(t, await startEnvoyTo(t, envoy, port), method, path)));
    assert.deepEqual(seen, []);
  });
}

test("T-48 between two Envoys a method that nobody registered and a path of UTF-8 arrive by HTTP/2", { skip }, async (t) => {
  const { port, seen } = await startEcho(t);
  const proxy = await startProxy(t, { [SERVICE]: [await startEnvoyTo(t, envoy ?? "", port)] });
  const session = openSession(t, await startEnvoyTo(t, envoy ?? "", proxy.port));
  const [method, path] = ["LIST", latin1("/café")];
  assert.equal((await callHttp2(session, { ":method": method, ":path": path })).status, 200);
  assert.deepEqual(seen, [{ method, path }]);
});
