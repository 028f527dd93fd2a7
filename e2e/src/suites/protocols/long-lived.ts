import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { GrpcAnswer } from "../../pod-app/protocol.ts";
import { untilDirect as untilHttpDirect } from "../mesh/fence.ts";
import { percentile } from "../mesh/figures.ts";
import type { Report } from "../suite.ts";
import { untilDirect } from "./first-calls.ts";
import type { Scene } from "./scene.ts";

/** Streams of each kind. */
const STREAMS = 3;
/** Milliseconds that they go on after their hosts have become direct. */
const GO_ON = 6_000;
/** Milliseconds between two messages of a stream. */
const INTERVAL = 50;
/** A server stream is as long as the others: the learning takes a second or two of it. */
const ANSWERS = (GO_ON + 4_000) / INTERVAL;
const WEB_SOCKETS = 10;

/** Streams that were opened on the fallback stay there, whole, while new calls to the same host, on the same connection, go direct. */
export async function longLived(report: Report, scene: Scene): Promise<void> {
  const { lab, caller } = scene;
  const targets = Array.from({ length: STREAMS * 2 }, () => scene.coldTarget());
  const hosts = Array.from({ length: STREAMS }, () => scene.coldHost());
  const serverStreams = targets
    .slice(STREAMS)
    .map((target) => caller.app.grpc({ target, kind: "ServerStreaming", deadline: 60_000, ask: { answers: ANSWERS, interval: INTERVAL } }));
  const exchanges = await report.step(
    `${STREAMS} bidirectional streams and ${STREAMS} WebSockets open on cold hosts, and answer`,
    async () => {
      const bidirectional = await Promise.all(
        targets.slice(0, STREAMS).map((target) => caller.app.open({ target, kind: "Bidirectional", deadline: 60_000 })),
      );
      const sockets = await Promise.all(hosts.map((host) => caller.app.open({ webSocket: `ws://${host}/` })));
      for (const stream of bidirectional) assert.equal(await stream.exchange("first"), "first");
      for (const socket of sockets) assert.equal(await socket.exchange("first"), `${FALLBACK_IDENTITY} first`);
      return { bidirectional, sockets };
    },
  );
  await report.step("new calls to all of these hosts go direct", async () => {
    for (const target of targets) await untilDirect(scene, target);
    for (const host of hosts) await untilHttpDirect(lab, caller, `http://${host}/`);
  });
  const rounds = await report.step(`for ${GO_ON / 1_000} s more the streams answer every message, by way of the fallback`, () =>
    goOn(scene, exchanges),
  );
  await report.step("they end in good order, and nothing of them is lost", async () => {
    for (const stream of exchanges.bidirectional) requireWhole(await stream.close(), rounds + 1);
    for (const socket of exchanges.sockets) assert.deepEqual(await socket.close(), { code: 1_000, wasClean: true });
    const numbers = Array.from({ length: ANSWERS }, (_, index) => `${index}`);
    const ended = await Promise.all(serverStreams);
    for (const answer of ended) {
      requireWhole(answer, 1);
      assert.deepEqual(answer.answers, numbers);
    }
    report.figure(
      `server streams, ${ANSWERS} messages ${INTERVAL} ms apart: longest gap`,
      Math.max(...ended.map(({ longestGap }) => longestGap)),
      "ms",
    );
  });
  await report.step(`${WEB_SOCKETS} first WebSockets, one after the other: each opens and is answered`, () =>
    firstWebSockets(report, scene),
  );
}

interface Exchanges {
  readonly bidirectional: readonly { exchange(send: string): Promise<string> }[];
  readonly sockets: readonly { exchange(send: string): Promise<string> }[];
}

/** Returns how many messages each was sent. */
async function goOn({ lab }: Scene, { bidirectional, sockets }: Exchanges): Promise<number> {
  const end = performance.now() + GO_ON;
  let round = 0;
  for (; performance.now() < end; round++) {
    const text = `message ${round}`;
    const answers = await Promise.all([...bidirectional, ...sockets].map((stream) => stream.exchange(text)));
    assert.deepEqual(new Set(answers), new Set([text, `${FALLBACK_IDENTITY} ${text}`]));
    const due = performance.now() + INTERVAL;
    await lab.until("the next message to be due", () => performance.now() >= due);
  }
  return round;
}

function requireWhole({ status, details, trailers }: GrpcAnswer, messages: number): void {
  assert.deepEqual([status, details], [0, "OK"]);
  assert.deepEqual([trailers["x-peer"], trailers["x-messages"]], [FALLBACK_IDENTITY, `${messages}`]);
}

async function firstWebSockets(report: Report, { caller, coldHost }: Scene): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < WEB_SOCKETS; count++) {
    const start = performance.now();
    const socket = await caller.app.open({ webSocket: `ws://${coldHost()}/` });
    assert.equal(await socket.exchange("hello"), `${FALLBACK_IDENTITY} hello`);
    times.push(performance.now() - start);
    await socket.close();
  }
  report.figure("first WebSocket: opened and answered after, p50", percentile(times, 0.5), "ms");
}
