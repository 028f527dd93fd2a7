import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const ANSWER = hpack([
  [":status", "200"],
  ["x-a", "1"],
  ["te", "Trailers"],
]);

// nghttp2 compares this value without case, and Node with it: it throws at the field when the
// answer goes on.
for (const [what, body] of Object.entries({ "its header alone": "", "a body": "hello" })) {
  test(`T-37 an answer of ${what} with TE: Trailers is served without the field`, async (t) => {
    const upstream = await startFrameUpstream(t, (frames) => {
      frames.onFrame(({ type, stream }) => {
        if (type !== TYPE.HEADERS) return;
        frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | (body === "" ? FLAG.END_STREAM : 0), stream, ANSWER));
        if (body !== "") frames.send(frame(TYPE.DATA, FLAG.END_STREAM, stream, body));
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await callHttp2(openSession(t, proxy.port));

    assert.deepEqual([answer.status, answer.body, answer.rawHeaders], [200, body, [":status", "200", "x-a", "1"]]);
  });
}

test("T-45 a request with TE: Trailers goes on, in small letters", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    stream.respond();
    stream.end(headers.te);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  // Node's client would not send it.
  const frames = await openFrames(t, proxy.port);
  frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields([["te", "Trailers"]])));
  assert.equal((await frames.expect(TYPE.DATA, 1)).payload.toString(), "trailers");
});

test("E1-08 what a proxy asks of its own client ends here, in an HTTP/2 answer and in front of it (RFC 9110 §11.7)", async (t) => {
  const challenge = ["proxy-authenticate", "Basic realm=x", "proxy-authentication-info", "x"];
  const pairs = (fields: readonly string[]) => fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ""] as const] : []));
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const headOf = (status: string, flags: number) =>
      frame(TYPE.HEADERS, flags, stream, hpack(pairs([":status", status, ...challenge, "x-a", "1"])));
    frames.send(headOf("103", FLAG.END_HEADERS), headOf("407", FLAG.END_HEADERS | FLAG.END_STREAM));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());
  const interim: string[][] = [];
  stream.on("headers", (_fields, _flags, rawFields: string[]) => interim.push(rawFields));

  const { rawHeaders } = await readHttp2(stream);

  assert.deepEqual(
    [...interim, rawHeaders],
    [
      [":status", "103", "x-a", "1"],
      [":status", "407", "x-a", "1"],
    ],
  );
});
