import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, type Http2Answer, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const TIMES = 40;
const BODY = "not you";
const ENHANCE_YOUR_CALM = 11;
/**
 * More than all windows and buffers on the way hold together, so that the upload is under way when
 * the answer comes.
 */
const UPLOAD = Buffer.alloc(4 * 1024 * 1024);

function answer(stream: number, status: string): Buffer {
  return Buffer.concat([
    frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", status]])),
    frame(TYPE.DATA, FLAG.END_STREAM, stream, BODY),
  ]);
}

const goaway = (stream: number, code: number) => frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(stream), uint32(code)]));

/** Wide windows: the upload is written to a connection that is about to end, and not held back. */
function openWide(frames: FrameSocket, stream: number): void {
  frames.send(
    frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(UPLOAD.length)),
    frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(UPLOAD.length)),
  );
}

/** How a destination ends what it does not want more of. */
const ENDS: readonly { name: string; end: (frames: FrameSocket, stream: number) => void }[] = [
  { name: "ends the connection", end: ({ socket }) => socket.end() },
  {
    name: "sends GOAWAY and ends the connection",
    end: (frames, stream) => {
      frames.send(goaway(stream, 0));
      frames.socket.end();
    },
  },
  {
    name: "sends GOAWAY with an error code and ends the connection",
    end: (frames, stream) => {
      frames.send(goaway(stream, ENHANCE_YOUR_CALM));
      frames.socket.end();
    },
  },
  {
    name: "resets the stream and ends the connection",
    end: (frames, stream) => {
      frames.send(frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(ENHANCE_YOUR_CALM)));
      frames.socket.end();
    },
  },
  {
    // With bytes unread the kernel sends RST, and our next write fails; what was received before
    // stays readable.
    name: "closes with the upload unread, once the answer is under way",
    end: ({ socket }) => {
      socket.pause();
      socket.write("", () => socket.destroy());
    },
  },
];

async function outcomes(t: TestContext, end: (frames: FrameSocket, stream: number) => void): Promise<string[]> {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    openWide(frames, stream);
    frames.send(answer(stream, "401"));
    end(frames, stream);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const seen: string[] = [];
  for (let i = 0; i < TIMES; i += 1) {
    const told: Pick<Http2Answer, "status" | "body"> = await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, UPLOAD).catch(
      (error: Error) => ({
        status: 0,
        body: error.message,
      }),
    );
    seen.push(`${told.status} ${told.body}`);
  }
  return [...new Set(seen.map((each) => `${seen.filter((other) => other === each).length} × ${each}`))];
}

for (const { name, end } of ENDS) {
  test(`T-36 by HTTP/2 a destination that answers from the header and ${name} is heard, every time`, async (t) => {
    assert.deepEqual(await outcomes(t, end), [`${TIMES} × 401 ${BODY}`]);
  });
}
