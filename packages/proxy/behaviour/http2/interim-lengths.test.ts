/**
 * A destination must not send a Content-Length in an interim answer (RFC 9110 §8.6). Over HTTP/2 it
 * makes the answer malformed, for which the reader resets the stream (RFC 9113 §8.1.1). nghttp2
 * does so before Node hears of the answer: of the final one behind it nothing is left to relay.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { FLAG, frame, hpack, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, closed, head, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const envoy = toolPath("envoy");
const skip = envoy === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it";
const PROTOCOL_ERROR = 1;

/**
 * A destination that answers 103 with this length and the final answer right behind it. If `waits`,
 * it answers the first request of a connection well, once another one's stream was reset.
 */
async function startDestination(t: TestContext, length: string, waits = false): Promise<number> {
  const { port } = await startFrameUpstream(t, (frames) => {
    const answer = (stream: number, status: string, ...fields: (readonly [string, string])[]) =>
      frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", status], ...fields]));
    const body = (stream: number) => frame(TYPE.DATA, FLAG.END_STREAM, stream, "done");
    let first: number | undefined;
    frames.onFrame(({ type, stream }) => {
      if (type === TYPE.RST_STREAM && first !== undefined) frames.send(answer(first, "200"), body(first));
      if (type !== TYPE.HEADERS) return;
      if (waits && first === undefined) first = stream;
      else frames.send(answer(stream, "103", ["content-length", length]), answer(stream, "200"), body(stream));
    });
  });
  return port;
}

for (const length of ["0", "5"]) {
  test(`T-42 nghttp2 resets a stream for a 103 with Content-Length ${length} before Node hears of any answer`, async (t) => {
    const stream = openSession(t, await startDestination(t, length)).request(head());
    const heard: string[] = [];
    for (const event of ["headers", "response", "data"]) stream.on(event, () => heard.push(event));

    await closed(stream);

    assert.deepEqual([heard, stream.rstCode], [[], PROTOCOL_ERROR]);
  });

  test(`T-42 by HTTP/2 a 103 with Content-Length ${length} gets its caller a 502, as with Envoy`, { skip }, async (t) => {
    const session = openSession(t, await startEnvoyTo(t, envoy ?? assert.fail(), await startDestination(t, length)));

    assert.equal((await callHttp2(session)).status, 502);
  });

  test(`T-42 a 103 with Content-Length ${length} costs its own call alone: others of the connection get their answers`, async (t) => {
    const proxy = await startProxy(t, { [SERVICE]: [await startDestination(t, length, true)] });
    const session = openSession(t, proxy.port);

    const [first, second] = await Promise.all([callHttp2(session), callHttp2(session)]);

    assert.deepEqual([first.status, first.body], [200, "done"]);
    assert.deepEqual([second.status, second.headers["fenceline-error"]], [502, "UPSTREAM_INVALID"]);
  });
}
