import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, hpack, startFrameUpstream, TYPE } from "../testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../testing/http2.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { InterimAnswers } from "./interim-answers.ts";

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

test("E1-09 by HTTP/2 a field that stands twice in an interim answer goes on twice", async (t) => {
  const links = ["link", "</a>; rel=preload", "link", "</b>; rel=preload"];
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.additionalHeaders({ ":status": 103, link: links.filter((_, at) => at % 2 === 1) });
    stream.respond({}, { endStream: true });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());
  const interim: string[][] = [];
  stream.on("headers", (_fields, _flags, rawFields: string[]) => interim.push(rawFields));

  await readHttp2(stream);

  assert.deepEqual(interim, [[":status", "103", ...links]]);
});

for (const { name, sent } of [
  { name: "101", sent: (stream: number) => [answer(stream, "101", FLAG.END_HEADERS)] },
  { name: "the status 999", sent: (stream: number) => [answer(stream, "999", FLAG.END_HEADERS | FLAG.END_STREAM)] },
  // nghttp2's way, and Envoy's: interim-lengths.test.ts proves it.
  { name: "a length on an interim answer", sent: (stream: number) => [answer(stream, "103", FLAG.END_HEADERS, ["content-length", "5"])] },
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

for (const { status, count } of [
  { status: "104", count: 20 },
  { status: "102", count: 120 },
  { status: "103", count: 10_000 },
]) {
  test(`T-42 behind ${count} interim answers with ${status} the final one is relayed, and what is too much is dropped`, async (t) => {
    const upstream = await startFrameUpstream(t, async (frames) => {
      const { stream } = await frames.expect(TYPE.HEADERS);
      const interim = Array.from({ length: count }, () => answer(stream, status, FLAG.END_HEADERS));
      frames.send(...interim, answer(stream, "200", FLAG.END_HEADERS), frame(TYPE.DATA, FLAG.END_STREAM, stream, "done"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const stream = openSession(t, proxy.port).request(head());
    const relayed: unknown[] = [];
    stream.on("headers", (fields) => relayed.push(fields[":status"], fields["x-a"]));

    const { status: final, body } = await readHttp2(stream);

    assert.equal(`${final} ${body}`, "200 done");
    assert.deepEqual(relayed.slice(0, 32), Array.from({ length: 16 }, () => [Number(status), "b"]).flat());
    assert.ok(relayed.length < 2 * 30, `${relayed.length / 2} were relayed`);
  });
}

test("T-42 the fields of an interim answer arrive, repeated ones as a list", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const fields = [
      [":status", "103"],
      ["link", "</a>"],
      ["link", "</b>"],
      ["x-a", "b"],
    ] as const;
    frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack(fields)), answer(stream, "200", FLAG.END_HEADERS | FLAG.END_STREAM));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());
  const interim: IncomingHttpHeaders[] = [];
  stream.on("headers", (fields) => interim.push(fields));

  assert.equal((await readHttp2(stream)).status, 200);
  assert.deepEqual(
    interim.map((fields) => [fields[":status"], fields.link, fields["x-a"]]),
    [[103, "</a>, </b>", "b"]],
  );
});

test("T-42 by HTTP/2 a client that waits for 100 gets it behind however many other interim answers", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const interim = Array.from({ length: 30 }, () => answer(stream, "102", FLAG.END_HEADERS));
    frames.send(...interim, answer(stream, "100", FLAG.END_HEADERS));
    await frames.expect(TYPE.DATA, stream);
    frames.send(answer(stream, "200", FLAG.END_HEADERS | FLAG.END_STREAM));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const stream = openSession(t, proxy.port).request(head({ ":method": "POST", expect: "100-continue" }));
  stream.once("continue", () => stream.end("body"));

  assert.equal((await readHttp2(stream)).status, 200);
});

test("T-42 a heartbeat of interim answers goes on after a burst: one a second", () => {
  const interim = new InterimAnswers();
  const relayed = (from: number, times: number, every: number) =>
    Array.from({ length: times }, (_, i) => interim.mayRelay(102, from + i * every)).filter(Boolean).length;

  assert.equal(relayed(5_000, 100, 1), 16);
  assert.equal(relayed(6_500, 60, 1_000), 60);
  assert.equal(relayed(200_000, 100, 1), 16);
});

test("E1-16 trailers that HTTP/2 does not have reset the stream", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const trailers = frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([["connection", "close"]]));
    frames.send(answer(stream, "200", FLAG.END_HEADERS), frame(TYPE.DATA, FLAG.NONE, stream, "x"), trailers);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await assert.rejects(callHttp2(openSession(t, proxy.port)), /reset/);
});

function answer(stream: number, status: string, flags: number, field: readonly [string, string] = ["x-a", "b"]): Buffer {
  return frame(TYPE.HEADERS, flags, stream, hpack([[":status", status], field]));
}
