import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

/** The proxy, and the Host of a service that there is. */
export interface Destination {
  readonly port: number;
  readonly host: string;
}

/**
 * One call, from its start to its intended end. Rejects when the proxy did not behave as expected.
 */
export type Call = (to: Destination) => Promise<void>;

/** A new connection for each call, so that a broken one does not affect other calls. */
const AGENT = new Agent({ keepAlive: false });
const SLOW_READ_BYTES = 1 << 20;
const SLOW_READ_PAUSE_MS = 20;
const EVENTS = 20;
const MESSAGES = 16;
const MESSAGE = Buffer.alloc(1 << 10, "m");

/** Disconnects before the answer. */
export const leaveBeforeAnswer: Call = async (to) => {
  const call = open(to, { path: "/?wait=500" });
  call.end();
  await delay(50);
  call.destroy();
};

/** Disconnects in the middle of an answer that is larger than any buffer on the way. */
export const leaveDuringAnswer: Call = async (to) => {
  const call = open(to, { path: `/?bytes=${16 << 20}` });
  call.end();
  const answer = await answerTo(call);
  for await (const _ of answer) break;
  call.destroy();
};

/** Disconnects in the middle of an upload. */
export const leaveDuringUpload: Call = async (to) => {
  const call = open(to, { method: "POST", path: "/", headers: { "content-length": 1 << 20 } });
  call.write(Buffer.alloc(64 << 10));
  await delay(20);
  call.destroy();
};

/** An upload in chunks, each sent a moment after the one before. */
export const upload: Call = async (to) => {
  const call = open(to, { method: "POST", path: "/" });
  for (let chunk = 0; chunk < 16; chunk++) {
    call.write(Buffer.alloc(16 << 10));
    await delay(5);
  }
  call.end();
  await expectBody(await answerTo(call), 200, 64);
};

/** Reads an answer much more slowly than it is sent. */
export const readSlowly: Call = async (to) => {
  const call = open(to, { path: `/?bytes=${SLOW_READ_BYTES}` });
  call.end();
  const answer = await answerTo(call);
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    await delay(SLOW_READ_PAUSE_MS);
  }
  if (bytes !== SLOW_READ_BYTES) throw new Error(`${bytes} bytes of ${SLOW_READ_BYTES}`);
};

/** Calls a service that does not exist, by a name that was never used before. */
export const callNobody: Call = async (to) => {
  const name = Math.random().toString(36).slice(2);
  const call = open({ ...to, host: `nobody-${name}.bench.svc.cluster.local` }, { path: "/" });
  call.end();
  const answer = await answerTo(call);
  answer.resume();
  if (answer.statusCode !== 503) throw new Error(`status ${answer.statusCode} for a service that there is not`);
};

/** Listens to events for a while, and leaves. */
export const listenToEvents: Call = async (to) => {
  const call = open(to, { path: "/events" });
  call.end();
  let events = 0;
  for await (const chunk of await answerTo(call)) {
    events += String(chunk).split("data:").length - 1;
    if (events >= EVENTS) break;
  }
  call.destroy();
  if (events < EVENTS) throw new Error(`the stream ended after ${events} events`);
};

/** Messages that an upgraded connection sends back. */
export const echoMessages: Call = async (to) => {
  const socket = await upgraded(to);
  let left = MESSAGES;
  socket.write(MESSAGE);
  let bytes = 0;
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length;
    if (bytes < MESSAGE.length) continue;
    bytes -= MESSAGE.length;
    left -= 1;
    if (left > 0) socket.write(MESSAGE);
    else socket.end();
  }
  if (left > 0) throw new Error(`the connection ended with ${left} messages left`);
};

/** Disconnects in the middle of a message. */
export const leaveUpgraded: Call = async (to) => {
  const socket = await upgraded(to);
  socket.on("error", () => {}).write(MESSAGE.subarray(1));
  await delay(20);
  socket.destroy();
};

/** The certificate is the destination's own. It is not verified here. */
export const callByTls: Call = async ({ port, host }) => {
  const socket = connectTls({ host: "127.0.0.1", port, servername: host, rejectUnauthorized: false });
  const call = request({ createConnection: () => socket, path: "/", headers: { host } });
  call.end();
  await expectBody(await answerTo(call), 200, 64);
  socket.destroy();
};

/** Sends the first bytes of a hello, and disconnects. */
export const leaveHandshake: Call = async ({ port }) => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}).write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  await delay(20);
  socket.destroy();
};

async function upgraded(to: Destination): Promise<Socket> {
  const call = open(to, { path: "/", headers: { connection: "Upgrade", upgrade: "websocket" } });
  call.end();
  return new Promise((resolve, reject) => {
    call.once("upgrade", (_, socket) => resolve(socket));
    call.once("response", ({ statusCode }) => reject(new Error(`status ${statusCode} instead of an upgrade`)));
    call.once("error", reject);
  });
}

function open({ port, host }: Destination, options: RequestOptions) {
  const headers = { "fence-source": "bench/caller-0", "slime-source-ns": "bench", ...options.headers, host };
  const call = request({ host: "127.0.0.1", port, agent: AGENT, ...options, headers });
  // For errors after it was aborted; before that, `answerTo` rejects.
  call.on("error", () => {});
  return call;
}

function answerTo(call: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once("response", resolve);
    call.once("error", reject);
  });
}

async function expectBody(answer: IncomingMessage, status: number, length: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of answer) bytes += chunk.length;
  if (answer.statusCode !== status || bytes !== length) throw new Error(`status ${answer.statusCode} and ${bytes} bytes`);
}
