import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const POSTS = 100;
const ANSWER = hpack([[":status", "200"]]);
const answer = (stream: number) => [frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, ANSWER), frame(TYPE.DATA, FLAG.END_STREAM, stream, "ok")];

/** A request of a client that writes frames. */
function post(stream: number, body: string | undefined): Buffer {
  const head = hpack([[":method", "POST"]]);
  const fields = Buffer.concat([head, requestFields().subarray(hpack([[":method", "GET"]]).length)]);
  if (body === undefined) return frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, fields);
  return Buffer.concat([frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, fields), frame(TYPE.DATA, FLAG.END_STREAM, stream, body)]);
}

/** A destination that hands each whole request to the test. */
function startDestination(t: TestContext, onRequest: (frames: FrameSocket, stream: number) => void) {
  return startFrameUpstream(t, (frames) =>
    frames.onFrame(({ type, flags, stream }) => {
      if ((type === TYPE.HEADERS || type === TYPE.DATA) && (flags & FLAG.END_STREAM) !== 0) onRequest(frames, stream);
    }),
  );
}

/**
 * Bodies of the answers that the client has, once there are so many, or one that is not the
 * destination's.
 */
async function answers(client: FrameSocket, count: number): Promise<readonly string[]> {
  for (;;) {
    const bodies = client.received.filter(({ type, flags }) => type === TYPE.DATA && (flags & FLAG.END_STREAM) !== 0);
    const texts = bodies.map(({ payload }) => payload.toString());
    if (texts.length >= count || client.closed || texts.some((text) => text !== "ok")) return texts;
    await client.more();
  }
}

const ALL_OK: readonly string[] = Array.from({ length: POSTS }, () => "ok");
const ENDS: Readonly<Record<string, (socket: Socket) => void>> = {
  "closes its connection": (socket) => socket.end(),
  "resets its connection": (socket) => socket.resetAndDestroy(),
};

for (const [how, end] of Object.entries(ENDS)) {
  for (const body of [undefined, "x"]) {
    const withBody = body === undefined ? "without a body" : "with a body";

    test(`T-38 by HTTP/2 a destination that ${how}, without a GOAWAY, in the turn in which the next POST ${withBody} comes fails none`, async (t) => {
      const upstream = await startDestination(t, async (frames, stream) => {
        frames.send(...answer(stream));
        next += 1;
        await answers(client, next);
        // Both are found by one poll, and the end stands behind the request.
        client.send(post(2 * next + 1, body));
        end(frames.socket);
      });
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
      const client = await openFrames(t, proxy.port);
      let next = 0;

      client.send(post(1, body));

      assert.deepEqual(await answers(client, POSTS), ALL_OK);
    });
  }
}

for (const body of [undefined, "x"]) {
  const withBody = body === undefined ? "without a body" : "with a body";

  test(`T-38 by HTTP/2 a destination that closes its connection right behind an answer, in one turn with the next POST ${withBody}, fails none`, async (t) => {
    const upstream = await startDestination(t, (frames, stream) => {
      frames.send(...answer(stream));
      next += 1;
      client.send(post(2 * next + 1, body));
      frames.socket.end();
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openFrames(t, proxy.port);
    let next = 0;

    client.send(post(1, body));

    assert.deepEqual(await answers(client, POSTS), ALL_OK);
  });
}
