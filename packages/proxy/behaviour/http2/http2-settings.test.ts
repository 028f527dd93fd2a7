/**
 * nghttp2 takes the field `http2-settings`, which belongs to `Upgrade: h2c` and to one connection,
 * and Node throws at it. It ends here, as over HTTP/1.1. Envoy passes it on.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const envoy = toolPath("envoy");
const skip = envoy === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it";
const FIELD = ["http2-settings", "AAMAAABk"] as const;

/** Frames of an answer `done` with the field in it. */
const ANSWERS: Readonly<Record<string, (stream: number) => Buffer[]>> = {
  "in an interim answer": (stream) => [
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "103"], FIELD])),
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
    frame(TYPE.DATA, FLAG.END_STREAM, stream, "done"),
  ],
  "in the header": (stream) => [
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"], FIELD, ["x-a", "b"]])),
    frame(TYPE.DATA, FLAG.END_STREAM, stream, "done"),
  ],
  "in the trailers": (stream) => [
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
    frame(TYPE.DATA, FLAG.NONE, stream, "done"),
    frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([FIELD, ["x-sum", "7"]])),
  ],
};

async function startAnswering(t: TestContext, answer: (stream: number) => Buffer[]): Promise<number> {
  const { port } = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    frames.send(...answer(stream));
  });
  return port;
}

for (const [where, answer] of Object.entries(ANSWERS)) {
  test(`T-42 http2-settings ${where} fails no answer, and ends here`, async (t) => {
    const proxy = await startProxy(t, { [SERVICE]: [await startAnswering(t, answer)] });
    const stream = openSession(t, proxy.port).request(head());
    const interim: string[][] = [];
    stream.on("headers", (_fields, _flags, rawFields: string[]) => interim.push(rawFields));

    const { status, body, headers, trailers } = await readHttp2(stream);

    assert.deepEqual([status, body], [200, "done"]);
    assert.deepEqual(interim, where === "in an interim answer" ? [[":status", "103"]] : []);
    assert.deepEqual([FIELD[0] in headers, FIELD[0] in trailers], [false, false]);
    assert.equal(trailers["x-sum"], where === "in the trailers" ? "7" : undefined);
  });

  test(`T-42 Envoy fails no answer with http2-settings ${where}`, { skip }, async (t) => {
    const port = await startEnvoyTo(t, envoy ?? assert.fail(), await startAnswering(t, answer));

    const { status, body } = await callHttp2(openSession(t, port));

    assert.deepEqual([status, body], [200, "done"]);
  });
}

test("E1-09 by HTTP/2 http2-settings in the trailers of a request ends here, and the others go on", async (t) => {
  const arrived = Promise.withResolvers<string[]>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.on("trailers", (_trailers, _flags, rawTrailers) => arrived.resolve(rawTrailers));
    stream.resume().on("end", () => stream.respond({}, { endStream: true }));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const frames = await openFrames(t, proxy.port);

  frames.send(
    frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()),
    frame(TYPE.DATA, FLAG.NONE, 1, "body"),
    frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, hpack([FIELD, ["x-sum", "7"]])),
  );

  assert.deepEqual(await arrived.promise, ["x-sum", "7"]);
});
