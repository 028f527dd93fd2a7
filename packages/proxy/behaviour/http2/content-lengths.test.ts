import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, type Http2Answer, openSession, StreamReset, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const BODY = "0123456789";
const { NONE, END_HEADERS, END_STREAM } = FLAG;

/** Forms that say a number, and the bytes that follow. */
const PLAIN: Readonly<Record<string, string>> = {
  "10": BODY,
  "010": BODY,
  "00000000000000000010": BODY,
  [`${"0".repeat(300)}10`]: BODY,
  "000": "",
};

/** Forms that do not, or that say what nobody counts to. */
const IN_DOUBT = ["+10", "-10", "10, 10", "0xa", "1e1", "99999999999999999999", "9007199254740993", "", "1 0"];

/** How a text is named in a test's name. */
const named = (length: string) => JSON.stringify(length.length > 40 ? `${length.slice(0, 3)}…` : length);

/** Sends a request with this Content-Length, which Node's client would not send. */
async function sendRequest(t: TestContext, port: number, length: string, body: string): Promise<FrameSocket> {
  const client = await openFrames(t, port);
  client.send(frame(TYPE.HEADERS, END_HEADERS, 1, requestFields([["content-length", length]])), frame(TYPE.DATA, END_STREAM, 1, body));
  return client;
}

/** Has a destination answer with this Content-Length. */
async function answerWith(t: TestContext, length: string, body: string): Promise<Http2Answer> {
  const head = hpack([
    [":status", "200"],
    ["content-length", length],
    ["x-a", "1"],
  ]);
  const upstream = await startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type !== TYPE.HEADERS) return;
      frames.send(frame(TYPE.HEADERS, END_HEADERS, stream, head), frame(TYPE.DATA, END_STREAM, stream, body));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  return callHttp2(openSession(t, proxy.port));
}

for (const [length, body] of Object.entries(PLAIN)) {
  const plain = String(body.length);

  test(`T-48 an HTTP/2 request's Content-Length ${named(length)} goes on as ${plain} (RFC 9110 §8.6)`, async (t) => {
    const upstream = await startHttp2Upstream(t, async (stream, headers) => {
      const received = (await stream.toArray()).join("");
      stream.respond();
      stream.end(`${headers["content-length"]} ${received}`);
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const client = await sendRequest(t, proxy.port, length, body);

    assert.equal((await client.expect(TYPE.DATA, 1)).payload.toString(), `${plain} ${body}`);
  });

  test(`T-48 an HTTP/2 answer's Content-Length ${named(length)} goes on as ${plain}`, async (t) => {
    const answer = await answerWith(t, length, body);

    assert.deepEqual([answer.rawHeaders, answer.body], [[":status", "200", "content-length", plain, "x-a", "1"], body]);
  });
}

for (const length of IN_DOUBT) {
  test(`T-48 an HTTP/2 request's Content-Length ${named(length)} is refused, and nothing of it goes on`, async (t) => {
    const upstream = await startHttp2Upstream(t, () => {});
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await sendRequest(t, proxy.port, length, BODY);

    // What follows on the connection tells that the first request was dealt with.
    client.send(frame(TYPE.PING, NONE, 0, "01234567"));
    await client.expect(TYPE.PING);

    const reset = client.received.some(({ type, stream }) => type === TYPE.RST_STREAM && stream === 1);
    const refused = client.received.some(({ payload }) => payload.includes("REQUEST_MALFORMED"));
    assert.ok(reset || refused);
    assert.equal(upstream.sessions.length, 0);
  });

  test(`T-48 an HTTP/2 answer's Content-Length ${named(length)} is no answer`, async (t) => {
    const answer = await answerWith(t, length, BODY).catch((error: StreamReset) => error);

    assert.ok(answer instanceof StreamReset || (answer.status === 502 && answer.headers["fenceline-error"] === "UPSTREAM_INVALID"));
  });
}
