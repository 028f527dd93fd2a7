import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, frame, hpack, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

for (const { method, status, length } of [
  { method: "HEAD", status: "200", length: "1000" },
  { method: "HEAD", status: "404", length: "5" },
  { method: "GET", status: "204", length: undefined },
  { method: "GET", status: "304", length: "1000" },
  { method: "GET", status: "200", length: "0" },
]) {
  for (const onHeaders of [true, false]) {
    test(`E1-19 by HTTP/2 ${method} answered ${status} ends with its header, as it came, ${onHeaders ? "at once" : "ended by an empty frame"}`, async (t) => {
      const upstream = await startFrameUpstream(t, async (frames) => {
        const { stream } = await frames.expect(TYPE.HEADERS);
        const fields = hpack([[":status", status], ...(length === undefined ? [] : [["content-length", length] as const])]);
        if (onHeaders) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, fields));
        else frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, fields), frame(TYPE.DATA, FLAG.END_STREAM, stream));
      });
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

      const answer = await callHttp2(openSession(t, proxy.port), { ":method": method });

      assert.equal(answer.status, Number(status));
      assert.equal(answer.headers["content-length"], length);
      assert.equal(answer.body, "");
      await proxy.until("fenceline_proxy_requests_in_flight", 0);
      assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}'), 0);
    });
  }
}

test("T-33 by HTTP/2 an answer 205 with content ends with its header, and announces none", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const fields = hpack([
      [":status", "205"],
      ["content-length", "5"],
      ["x-a", "b"],
    ]);
    frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, fields), frame(TYPE.DATA, FLAG.END_STREAM, stream, "hello"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { status, headers, body } = await callHttp2(openSession(t, proxy.port));

  assert.deepEqual([status, headers["content-length"], headers["x-a"], body], [205, undefined, "b", ""]);
});
