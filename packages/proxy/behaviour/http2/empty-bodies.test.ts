import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, frame, hpack, openFrames, requestFields, TYPE } from "../../src/testing/frames.ts";
import { startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NONE, END_HEADERS, END_STREAM } = FLAG;
const DATA = frame(TYPE.DATA, END_STREAM, 1);

/** Frames behind a request's header that end it, all in one segment with it. */
const ENDINGS = {
  "an empty DATA frame": { frames: [DATA], trailers: undefined },
  "several of them": { frames: [frame(TYPE.DATA, NONE, 1), frame(TYPE.DATA, NONE, 1), DATA], trailers: undefined },
  trailers: { frames: [frame(TYPE.HEADERS, END_HEADERS | END_STREAM, 1, hpack([["x-sum", "1"]]))], trailers: "1" },
};

// As a gRPC client does that streams no message. Node says the end of such a body before there is a
// connection to the destination, and once.
for (const [what, { frames, trailers }] of Object.entries(ENDINGS)) {
  test(`E1-10 an HTTP/2 upload without a byte that ends with ${what} comes to its end at the destination`, async (t) => {
    const upstream = await startHttp2Upstream(t, (stream) => {
      let sum: unknown;
      stream.on("trailers", (fields) => {
        sum = fields["x-sum"];
      });
      stream.on("end", () => {
        stream.respond();
        stream.end(`ended, ${sum}`);
      });
      stream.resume();
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openFrames(t, proxy.port);

    client.send(frame(TYPE.HEADERS, END_HEADERS, 1, requestFields()), ...frames);

    assert.equal((await client.expect(TYPE.DATA, 1)).payload.toString(), `ended, ${trailers}`);
  });
}
