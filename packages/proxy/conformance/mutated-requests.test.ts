import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { startProxy } from "../src/testing/proxy-under-test.ts";
import { ANSWERED_BY_UPSTREAM, type RecordingUpstream, startRecordingUpstream } from "./recording-upstream.ts";
import { converse } from "./run-case.ts";
import { readStrictRequests, type StrictRequest } from "./strict-request.ts";

/** Milliseconds that new examples are tried for. */
const TIME_MS = 10_000;
/**
 * Examples that are under way at once, each towards an upstream of its own, which tells what became
 * of it.
 */
const LANES = 12;
/** Milliseconds without a byte after which the proxy is taken to wait for the rest of a request. */
const SILENCE_MS = 200;
/** Most requests of a lane that are waited for: those of a few examples. */
const MAX_LATE = 12;

const HOST = "@host@";
const CLOSE = `GET /last HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
const HIDDEN = `GET /hidden HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

/** Requests to begin with. All are good, and between them they use every way to frame one. */
const GOOD: readonly string[] = [
  `GET /a?b=c HTTP/1.1\r\nHost: ${HOST}\r\nX-A: 1\r\n\r\n`,
  `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 15\r\n\r\nGET /b HTTP/1.1`,
  `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nxyz\r\n0\r\nX-T: 1\r\n\r\n`,
  `PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: ${HOST}\r\n\r\nd\r\n\r\n0\r\n\r\nGET / H\r\n0\r\n\r\n${HIDDEN}`,
  `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n${HIDDEN}`,
  `DELETE http://${HOST}/a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 4\r\n\r\n\r\n\r\n${HIDDEN}`,
  `HEAD /a HTTP/1.1\r\nHost: ${HOST}\r\n\r\nOPTIONS /b HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /a HTTP/1.0\r\nHost: ${HOST}\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi${HIDDEN}`,
];

/**
 * What is put in. All bytes that mean something in a header or a chunk, and pieces that make a
 * framing ambiguous.
 */
const PIECES: readonly string[] = [
  ...'\r\n\t :;,0159afx+-="_/\0\x0b\x7f\xff',
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "0\r\n\r\n",
  "chunked",
  "identity",
  "HTTP/1.0",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "Upgrade: h2c\r\n",
  HIDDEN,
];

const change = fc.tuple(fc.nat(400), fc.nat(3), fc.constantFrom("", ...PIECES));
const mutated = fc.tuple(fc.constantFrom(...GOOD), fc.array(change, { maxLength: 4 })).map(([good, changes]) =>
  changes.reduce((text, [at, removed, inserted]) => {
    const position = at % (text.length + 1);
    return text.slice(0, position) + inserted + text.slice(position + removed);
  }, good),
);

interface Lane {
  readonly host: string;
  readonly upstream: RecordingUpstream;
  /**
   * Requests of the last examples that did not arrive. On a busy machine they may after all, when
   * nobody waits for them any more.
   */
  late: string[];
}

async function startLanes(t: TestContext): Promise<{ port: number; lanes: Lane[] }> {
  const lanes: Lane[] = [];
  for (let i = 0; i < LANES; i += 1) {
    lanes.push({
      host: `${String.fromCharCode(0x70 + i)}.bookinfo.svc.cluster.local`,
      upstream: await startRecordingUpstream(t),
      late: [],
    });
  }
  const { port } = await startProxy(t, Object.fromEntries(lanes.map(({ host, upstream }) => [host, [upstream.port]])));
  return { port, lanes };
}

/**
 * What must be the same in a request before and behind the proxy. The target's authority goes into
 * Host.
 */
function essence({ method, target, body }: StrictRequest): string {
  return JSON.stringify([method, target.replace(/^http:\/\/[^/?]*\/?/i, "/"), body]);
}

/** What a strict reader finds in what was sent. */
function strictly(sent: string): string[] {
  return readStrictRequests(sent, { fromClient: true }).requests.map(essence);
}

/** The items that are left when those of another list are taken away, each once. */
function without(items: readonly string[], taken: readonly string[]): string[] {
  const left = [...items];
  for (const item of taken) {
    const at = left.indexOf(item);
    if (at !== -1) left.splice(at, 1);
  }
  return left;
}

/**
 * One example: nothing that is no request arrives, and each that arrives is one that a strict
 * reader finds in what was sent. Not all need arrive, and pipelined ones may in any order: each
 * goes its own way.
 */
async function check(port: number, lane: Lane, example: string): Promise<void> {
  const { host, upstream } = lane;
  const sent = (example + CLOSE).replaceAll(HOST, host);
  const { text } = await converse(port, sent, SILENCE_MS);
  const shown = JSON.stringify(sent);
  assert.deepEqual(upstream.takeFaults(), [], shown);
  const arrived = upstream.takeRequests().map(essence);
  const meant = strictly(sent);
  assert.deepEqual(without(arrived, [...meant, ...lane.late]), [], shown);
  lane.late = without([...meant, ...lane.late], arrived).slice(0, MAX_LATE);
  assert.ok(text.split(ANSWERED_BY_UPSTREAM).length - 1 <= arrived.length, shown);
}

test("E1-03 however a request is mutated, what reaches the upstream is what a strict reader finds in it", {
  timeout: 120_000,
}, async (t) => {
  const { port, lanes } = await startLanes(t);
  const seed = Math.trunc(Math.random() * 0x7fffffff);
  t.diagnostic(`seed ${seed}`);
  let examples = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(mutated, { minLength: 1, maxLength: LANES }), async (batch) => {
      examples += batch.length;
      const checks = await Promise.allSettled(batch.map((example, i) => check(port, lanes[i] ?? assert.fail(), example)));
      for (const result of checks) if (result.status === "rejected") throw result.reason;
    }),
    { seed, numRuns: 100_000, interruptAfterTimeLimit: TIME_MS },
  );
  t.diagnostic(`${examples} examples`);
  assert.ok(examples >= LANES);
});

test("the good requests arrive as they are", async (t) => {
  const { port, lanes } = await startLanes(t);
  for (const good of GOOD) {
    const { host, upstream } = lanes[0] ?? assert.fail();
    const sent = (good + CLOSE).replaceAll(HOST, host);
    await converse(port, sent);
    assert.deepEqual(upstream.takeRequests().map(essence).sort(), strictly(sent).sort());
  }
});
