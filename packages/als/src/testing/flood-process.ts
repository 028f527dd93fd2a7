/**
 * Floods an access-log port from its own process, limited only by flow control, until it is ended.
 * So the cost of the sender does not count for the server.
 *
 * Usage: flood-process.ts PORT WHAT, where WHAT is a name of flood-bytes.ts, or anything else for
 * connections that end at once. Prints a line when the flood has begun.
 */
import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { FRAME, frame, framed, PREFACE } from "@fenceline/wire/testing/frames";
import { STREAM_V3 } from "../methods.ts";
import { FRAMES, MESSAGES, named, SHARED_FRAMES } from "./flood-bytes.ts";

const CONNECTIONS = 25;
const STREAMS_OF_A_CONNECTION = 20;
/** Milliseconds until a connection that was closed is opened again. */
const AGAIN_MS = 5;
const PIECE_BYTES = 200_000;

const [port = "", what = ""] = process.argv.slice(2);
const message = MESSAGES[what];
for (let index = 0; index < CONNECTIONS; index += 1) {
  if (message !== undefined) streams(message);
  else connection({ ...FRAMES, ...SHARED_FRAMES }[what]);
}
console.log("flooding");

/** A connection whose streams repeat this message. */
function streams(repeated: Buffer): void {
  const count = Math.max(1, Math.floor(PIECE_BYTES / framed(repeated).length));
  const piece = Buffer.concat(Array.from({ length: count }, () => framed(repeated)));
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {}).on("close", () => setTimeout(streams, AGAIN_MS, repeated));
  for (let index = 0; index < STREAMS_OF_A_CONNECTION; index += 1) {
    const stream = session.request({ ":method": "POST", ":path": STREAM_V3, "content-type": "application/grpc" });
    stream.on("error", () => {}).resume();
    stream.write(framed(named("flood", "flood")));
    void flood(stream, () => piece);
  }
}

/** A connection that sends these frames. Without any it ends at once. */
function connection(frames: ((round: number) => Buffer) | undefined): void {
  const socket = connect(Number(port), "127.0.0.1");
  socket
    .on("error", () => {})
    .on("close", () => setTimeout(connection, AGAIN_MS, frames))
    .on("connect", () => {
      socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
      if (frames === undefined) socket.destroy();
      else void flood(socket, frames);
    });
  socket.resume();
}

async function flood(to: Socket | ClientHttp2Stream, piece: (round: number) => Buffer): Promise<void> {
  let go = () => {};
  to.on("drain", () => go()).on("close", () => go());
  for (let round = 0; !to.destroyed; round += 1) {
    if (!to.write(piece(round))) await new Promise<void>((resolve) => (go = resolve));
    await turn();
  }
}
