import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, hpack, startFrameUpstream, TYPE } from "../testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../testing/http2.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";

test("E1-09 by HTTP/2 100 and 103 are relayed in front of the answer", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    assert.equal(headers.expect, "100-continue");
    stream.additionalHeaders({ ":status": 100 });
    stream.additionalHeaders({ ":status": 103, link: "</style.css>; rel=preload" });
    stream.respond();
    stream.end("done");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head({ ":method": "POST", expect: "100-continue" }));
  const interim: IncomingHttpHeaders[] = [];
  stream.on("headers", (fields) => interim.push(fields));
  stream.end("body");

  assert.equal((await readHttp2(stream)).body, "done");
  assert.deepEqual(
    interim.map((fields) => [fields[":status"], fields.link]),
    [
      [100, undefined],
      [103, "</style.css>; rel=preload"],
    ],
  );
});

for (const { name, sent } of [
  {
    name: "a storm of interim answers",
    sent: (stream: number) => Array.from({ length: 100 }, () => answer(stream, "103", FLAG.END_HEADERS)),
  },
  { name: "101", sent: (stream: number) => [answer(stream, "101", FLAG.END_HEADERS)] },
  { name: "the status 999", sent: (stream: number) => [answer(stream, "999", FLAG.END_HEADERS | FLAG.END_STREAM)] },
  {
    name: "http2-settings",
    sent: (stream: number) => [answer(stream, "200", FLAG.END_HEADERS | FLAG.END_STREAM, ["http2-settings", "AAM"])],
  },
  {
    name: "http2-settings in an interim answer",
    sent: (stream: number) => [answer(stream, "103", FLAG.END_HEADERS, ["http2-settings", "AAM"])],
  },
  { name: "connection", sent: (stream: number) => [answer(stream, "200", FLAG.END_HEADERS | FLAG.END_STREAM, ["connection", "close"])] },
  { name: "no status", sent: (stream: number) => [frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([["x", "y"]]))] },
]) {
  test(`E1-16 a destination that answers by HTTP/2 with ${name} gets its caller a 502`, async (t) => {
    const upstream = await startFrameUpstream(t, async (frames) => {
      const { stream } = await frames.expect(TYPE.HEADERS);
      frames.send(...sent(stream));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const { status, headers } = await callHttp2(openSession(t, proxy.port));

    assert.equal(status, 502);
    assert.equal(headers["fenceline-error"], "UPSTREAM_INVALID");
  });
}

test("E1-16 trailers that HTTP/2 does not have reset the stream", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const trailers = frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([["http2-settings", "AAM"]]));
    frames.send(answer(stream, "200", FLAG.END_HEADERS), frame(TYPE.DATA, FLAG.NONE, stream, "x"), trailers);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await assert.rejects(callHttp2(openSession(t, proxy.port)), /reset/);
});

function answer(stream: number, status: string, flags: number, field: readonly [string, string] = ["x-a", "b"]): Buffer {
  return frame(TYPE.HEADERS, flags, stream, hpack([[":status", status], field]));
}
