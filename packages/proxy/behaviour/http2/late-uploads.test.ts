import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { type TestContext, test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { head, openSession } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const envoy = toolPath("envoy");
const skip = envoy === undefined ? "no Envoy: npm test installs one" : false;

const CANCEL = 8;
/** SETTINGS_INITIAL_WINDOW_SIZE */
const WINDOW = 4;
const FIRST_WINDOW = 1_000;
/**
 * More than the destination takes at first, and less than a stream's window on the client's side.
 */
const UPLOAD = Buffer.alloc(40_000, "u");
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const IN_FLIGHT = "fenceline_proxy_requests_in_flight";

/** The DATA that came on a stream, and whether it is whole. */
function uploaded(frames: FrameSocket, stream: number): { bytes: number; ended: boolean } {
  const data = frames.received.filter((candidate) => candidate.stream === stream && candidate.type === TYPE.DATA);
  const bytes = data.reduce((sum, { payload }) => sum + payload.length, 0);
  return { bytes, ended: data.some(({ flags }) => (flags & FLAG.END_STREAM) !== 0) };
}

const ANSWERS: Readonly<Record<string, (stream: number) => readonly Buffer[]>> = {
  "a header alone": (stream) => [frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]]))],
  "a body": (stream) => [
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
    frame(TYPE.DATA, FLAG.END_STREAM, stream, "enough"),
  ],
  trailers: (stream) => [
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
    frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([["grpc-status", "0"]])),
  ],
};

interface Waiting {
  readonly frames: FrameSocket;
  readonly stream: number;
  readonly client: ClientHttp2Stream;
  readonly session: ClientHttp2Session;
}

/**
 * A call whose upload is complete, whose answer is too, and of which the destination has taken the
 * first bytes only.
 */
async function answerEarly(t: TestContext, answer: string, startWay: (destination: number) => Promise<number>): Promise<Waiting> {
  const accepted = Promise.withResolvers<FrameSocket>();
  const { port } = await startFrameUpstream(t, accepted.resolve, { [WINDOW]: FIRST_WINDOW });
  const session = openSession(t, await startWay(port));
  const client = session.request(head({ ":method": "POST" })).on("error", () => {});
  const sent = once(client, "finish");
  client.end(UPLOAD);
  await sent;
  const frames = await accepted.promise;
  const { stream } = await frames.expect(TYPE.HEADERS);
  while (uploaded(frames, stream).bytes < FIRST_WINDOW) await frames.more();
  // What was sent before it has been read by then.
  await new Promise<void>((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
  frames.send(...(ANSWERS[answer]?.(stream) ?? assert.fail()));
  await once(client.resume(), "end");
  return { frames, stream, client, session };
}

const openWindow = ({ frames, stream }: Waiting) => frames.send(frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(UPLOAD.length)));

async function assertArrives(waiting: Waiting): Promise<void> {
  const { frames, stream, client } = waiting;
  openWindow(waiting);
  while (!uploaded(frames, stream).ended && !frames.received.some(({ type }) => type === TYPE.RST_STREAM)) await frames.more();
  assert.deepEqual(uploaded(frames, stream), { bytes: UPLOAD.length, ended: true });
  if (!client.closed) await once(client, "close");
  assert.equal(client.rstCode, 0);
}

async function startOurs(t: TestContext, uploadTimeout?: number) {
  let proxy: ProxyUnderTest | undefined;
  const startWay = async (port: number) => {
    proxy = await startProxy(t, { [SERVICE]: [port] }, uploadTimeout === undefined ? {} : { http2: { uploadTimeout } });
    return proxy.port;
  };
  return { startWay, proxy: () => proxy ?? assert.fail() };
}

for (const answer of Object.keys(ANSWERS)) {
  test(`T-33 an upload that was complete when its answer ended, with ${answer}, arrives whole, and is counted until then`, async (t) => {
    const { startWay, proxy } = await startOurs(t);
    const waiting = await answerEarly(t, answer, startWay);
    assert.equal(await proxy().metric(IN_FLIGHT), 1);
    assert.ok((await proxy().metric(HELD)) >= UPLOAD.length - FIRST_WINDOW);

    await assertArrives(waiting);
    await proxy().until(IN_FLIGHT, 0);
    assert.equal(await proxy().metric(HELD), 0);
    assert.equal(await proxy().metric('fenceline_proxy_requests_total{outcome="2xx"}'), 1);
  });

  test(`T-33 by way of an Envoy an upload that was complete when its answer ended, with ${answer}, arrives whole`, { skip }, async (t) => {
    await assertArrives(await answerEarly(t, answer, (port) => startEnvoyTo(t, envoy ?? "", port)));
  });
}

test("T-33 of such an upload a destination that takes nothing for too long gets CANCEL", async (t) => {
  const { startWay, proxy } = await startOurs(t, 100);
  const { frames, stream } = await answerEarly(t, "a body", startWay);
  const { payload } = await frames.expect(TYPE.RST_STREAM, stream);
  assert.equal(payload.readUInt32BE(0), CANCEL);
  assert.ok(!uploaded(frames, stream).ended);
  await proxy().until(IN_FLIGHT, 0);
});

test("T-33 such an upload ends with its connection, and when the destination resets it", async (t) => {
  for (const end of [
    ({ socket }: FrameSocket) => socket.destroy(),
    (frames: FrameSocket, stream: number) => frames.send(frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(0))),
  ]) {
    const { startWay, proxy } = await startOurs(t);
    const { frames, stream } = await answerEarly(t, "trailers", startWay);
    end(frames, stream);
    await proxy().until(IN_FLIGHT, 0);
    assert.equal(await proxy().metric(HELD), 0);
  }
});

test("T-33 such an upload arrives whole though its client closes the connection", async (t) => {
  const { startWay, proxy } = await startOurs(t);
  const waiting = await answerEarly(t, "a body", startWay);
  if (!waiting.client.closed) await once(waiting.client, "close");
  waiting.session.close();
  await once(waiting.session, "close");
  await assertArrives(waiting);
  await proxy().until(IN_FLIGHT, 0);
});
