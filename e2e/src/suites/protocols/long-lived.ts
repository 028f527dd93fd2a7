import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { OpenConnection } from "../../lab/pod/app.ts";
import type { GrpcAnswer, WebSocketEnd } from "../../pod-app/protocol.ts";
import { untilDirect as untilHttpDirect } from "../mesh/fence.ts";
import { Metrics } from "../mesh/metrics.ts";
import { sleep } from "../mesh/sleep.ts";
import type { Report } from "../suite.ts";
import { untilDirect } from "./first-calls.ts";
import type { Scene } from "./scene.ts";
import { closeAll } from "./web-sockets.ts";

/** Streams of each kind. */
const STREAMS = 3;
/** Milliseconds between two messages of a stream. */
const INTERVAL = 50;
/**
 * Milliseconds that streams go on: a little more than the 30 s after which the global sidecar
 * counts a call as long-lived.
 */
const LIFE = 33_000;
/** So that server streams live as long, and end by themselves. */
const ANSWERS = LIFE / INTERVAL;
const DEADLINE = 300_000;
const METRICS_PORT = 18_083;

interface Streams {
  readonly since: number;
  readonly server: readonly Promise<GrpcAnswer>[];
  readonly bidirectional: readonly OpenConnection<GrpcAnswer>[];
  readonly sockets: readonly OpenConnection<WebSocketEnd>[];
}

/** Streams that were opened on the fallback and are being used. */
export interface LongLived {
  /** Lets them come of age, and ends them. */
  end(): Promise<void>;
}

/**
 * Streams of cold hosts stay with the fallback, whole, while new calls to the same hosts, by the
 * same connections, go direct.
 */
export async function openLongLived(report: Report, scene: Scene): Promise<LongLived> {
  const targets = Array.from({ length: STREAMS * 2 }, () => scene.coldTarget());
  const hosts = Array.from({ length: STREAMS }, () => scene.coldHost());
  const streams = await report.step(`${STREAMS} streams of each direction and ${STREAMS} WebSockets are opened on cold hosts`, () =>
    openStreams(scene, targets, hosts),
  );
  const talk = new Talk(scene, streams);
  await report.step("new calls to all of these hosts go direct", async () => {
    for (const target of targets) await untilDirect(scene, target);
    for (const host of hosts) await untilHttpDirect(scene.lab, scene.caller, `http://${host}/`);
  });
  return { end: () => endStreams(report, scene, streams, talk) };
}

async function openStreams({ caller: { app } }: Scene, targets: readonly string[], hosts: readonly string[]): Promise<Streams> {
  const since = performance.now();
  const ask = { answers: ANSWERS, interval: INTERVAL };
  const server = targets.slice(STREAMS).map((target) => app.grpc({ target, kind: "ServerStreaming", deadline: DEADLINE, ask }));
  const bidirectional = await Promise.all(
    targets.slice(0, STREAMS).map((target) => app.open({ target, kind: "Bidirectional", deadline: DEADLINE })),
  );
  const sockets = await Promise.all(hosts.map((host) => app.open({ webSocket: `ws://${host}/` })));
  return { since, server, bidirectional, sockets };
}

/** Messages on every stream at a steady pace, each of which has to be answered before the next. */
class Talk {
  readonly #ended: Promise<void>;
  #isOver = false;
  #rounds = 0;

  constructor({ lab }: Scene, { bidirectional, sockets }: Streams) {
    this.#ended = this.#talk(lab, [...bidirectional, ...sockets]);
    // Whoever stops it hears.
    this.#ended.catch(() => {});
  }

  /**
   * Returns how many messages each stream was sent.
   * @throws when one was not answered, or not rightly
   */
  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#ended;
    return this.#rounds;
  }

  async #talk(lab: Scene["lab"], streams: readonly OpenConnection[]): Promise<void> {
    for (; !this.#isOver; this.#rounds++) {
      const text = `message ${this.#rounds}`;
      const answers = await Promise.all(streams.map((stream) => stream.exchange(text)));
      assert.deepEqual(new Set(answers), new Set([text, `${FALLBACK_IDENTITY} ${text}`]));
      await sleep(lab, INTERVAL);
    }
  }
}

async function endStreams(report: Report, scene: Scene, streams: Streams, talk: Talk): Promise<void> {
  await report.step("the global sidecar's metrics show them, once they are 30 s old", () => requireCounted(scene));
  const rounds = await report.step("every message on them was answered, by way of the fallback", () => talk.stop());
  report.figure("long-lived streams: age", (performance.now() - streams.since) / 1_000, "s");
  report.figure("long-lived streams: messages on each", rounds);
  await report.step("they end in good order, and nothing of them is lost", async () => {
    for (const stream of streams.bidirectional) requireWhole(await stream.close(), rounds);
    await closeAll(streams.sockets);
    const numbers = Array.from({ length: ANSWERS }, (_, index) => `${index}`);
    const ended = await Promise.all(streams.server);
    for (const answer of ended) {
      requireWhole(answer, 1);
      assert.deepEqual(answer.answers, numbers);
    }
    const gap = Math.max(...ended.map(({ longestGap }) => longestGap));
    report.figure(`server streams of ${ANSWERS} messages, ${INTERVAL} ms apart: longest gap`, gap, "ms");
  });
}

/** Server streams have ended by then on a slow machine, so only the others are counted. */
async function requireCounted({ lab, fenceline }: Scene): Promise<void> {
  const metrics = await Promise.all(fenceline.globalSidecars.map((pod) => Metrics.of(pod, METRICS_PORT)));
  const count = async (kind: string) => {
    const counts = await Promise.all(metrics.map((one) => one.read(`fenceline_proxy_long_lived_calls{kind="${kind}"}`)));
    return counts.reduce((total, value) => total + value, 0);
  };
  const isCounted = async () => (await count("answering")) >= STREAMS && (await count("upgrade")) === STREAMS;
  await lab.until("the streams to be counted", isCounted, { timeout: LIFE + 10_000, interval: 500 });
}

function requireWhole({ status, details, trailers }: GrpcAnswer, messages: number): void {
  assert.deepEqual([status, details], [0, "OK"]);
  assert.deepEqual([trailers["x-peer"], trailers["x-messages"]], [FALLBACK_IDENTITY, `${messages}`]);
}
