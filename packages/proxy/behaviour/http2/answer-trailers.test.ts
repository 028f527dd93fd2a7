import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { NEVER_AN_ANSWER_TRAILER } from "../../src/destination/answer-trailers.ts";
import { FLAG, frame, hpack, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, type Http2Answer, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

type Fields = readonly (readonly [name: string, value: string])[];

/** Those that nghttp2 takes for a broken stream, whatever their value: nothing of it goes on. */
const CONNECTION_SPECIFIC = new Set(["connection", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade"]);
const VALUES: Readonly<Record<string, string>> = { te: "Trailers", "content-length": "5" };

/** Has a destination answer `hello` with these trailers. */
async function answerWith(t: TestContext, trailers: Fields): Promise<Http2Answer> {
  const upstream = await startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type !== TYPE.HEADERS) return;
      frames.send(
        frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
        frame(TYPE.DATA, FLAG.NONE, stream, "hello"),
        frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack(trailers)),
      );
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  return callHttp2(openSession(t, proxy.port));
}

for (const name of NEVER_AN_ANSWER_TRAILER) {
  if (CONNECTION_SPECIFIC.has(name)) continue;
  test(`E1-10 an HTTP/2 answer's trailer ${name} stays behind, as over HTTP/1.1 (RFC 9110 §6.5.1)`, async (t) => {
    const answer = await answerWith(t, [
      ["x-sum", "42"],
      [name, VALUES[name] ?? "a=1"],
      ["grpc-status", "0"],
    ]);

    assert.equal(answer.body, "hello");
    assert.deepEqual(Object.entries(answer.trailers), Object.entries({ "x-sum": "42", "grpc-status": "0" }));
  });
}

test("E1-10 an HTTP/2 answer of which every trailer stays behind comes to its end", async (t) => {
  const answer = await answerWith(t, [["set-cookie", "a=1"]]);

  assert.deepEqual([answer.status, answer.body, Object.keys(answer.trailers)], [200, "hello", []]);
});

test("E1-10 trailers of an HTTP/2 answer go on as they came, and one that stands twice goes on twice", async (t) => {
  const { rawTrailers } = await answerWith(t, [
    ["grpc-status", "0"],
    // What joins two values of binary metadata is no value of it.
    ["k-bin", "AAE="],
    ["k-bin", "AAI="],
    ["age", "1"],
    ["age", "2"],
  ]);

  assert.deepEqual(rawTrailers, ["grpc-status", "0", "k-bin", "AAE=", "k-bin", "AAI=", "age", "1", "age", "2"]);
});

test("E1-10 of an HTTP/2 answer's trailers one that stands twice goes on twice beside one that stays behind", async (t) => {
  const { rawTrailers } = await answerWith(t, [
    ["set-cookie", "a=1"],
    ["x-a", "1"],
    ["x-a", "2"],
  ]);

  assert.deepEqual(rawTrailers, ["x-a", "1", "x-a", "2"]);
});
