import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openFrames } from "../../src/testing/frames.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import {
  type AnswerEnd,
  type Behind,
  openWindows,
  requestFrames,
  type Script,
  type Seen,
  seenOf,
  startScriptedUpstream,
  type UploadState,
} from "../../src/testing/scripted-answers.ts";

const ENDS: readonly AnswerEnd[] = ["trailers", "data", "empty data", "header"];
const RESETS: readonly Behind[] = ["RST 0", "RST 8", "RST 2", "RST 5", "RST 7", "RST 11"];
const BEHIND: readonly Behind[] = ["nothing", ...RESETS, "GOAWAY 0", "GOAWAY 2", "FIN"];
const UPLOADS: readonly UploadState[] = ["ended", "unfinished", "held up"];
/** One frame; more than one; more than the window of a stream, and than Node's buffers. */
const SIZES = [20, 20_000, 300_000];
/** Milliseconds after which a script hangs. */
const TIMEOUT = 5_000;

/** Every script in which the destination's answer is complete. */
function* completeAnswers(slowReader: boolean): Generator<Script> {
  for (const end of ENDS)
    for (const upload of UPLOADS)
      for (const behind of BEHIND) for (const size of end === "header" ? [0] : SIZES) yield { end, size, behind, upload, slowReader };
}

/** Those in which it breaks off. */
function* brokenAnswers(): Generator<Script> {
  for (const upload of UPLOADS)
    for (const behind of [...RESETS, "FIN" as const])
      for (const size of SIZES) yield { end: "nothing", size, behind, upload, slowReader: false };
}

interface Stage {
  readonly proxy: ProxyUnderTest;
  /** Plays the script to a client of this destination, directly and by way of the proxy. */
  both(script: Script): Promise<{ direct: Seen | undefined; proxied: Seen | undefined }>;
}

async function startStage(t: TestContext): Promise<Stage> {
  let current: Script | undefined;
  let spoken = Promise.withResolvers<void>();
  const upstream = await startScriptedUpstream(
    t,
    () => current ?? assert.fail(),
    () => spoken.resolve(),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const play = (port: number, script: Script) => {
    current = script;
    spoken = Promise.withResolvers();
    return Promise.race([watch(t, port, script, spoken.promise), hangs()]);
  };
  return { proxy, both: async (script) => ({ direct: await play(upstream.port, script), proxied: await play(proxy.port, script) }) };
}

/**
 * What the client of `port` sees of its stream until nothing more can come.
 *
 * @param spoken when the destination has said all it may
 */
async function watch(t: TestContext, port: number, script: Script, spoken: Promise<void>): Promise<Seen> {
  // SETTINGS_INITIAL_WINDOW_SIZE.
  const client = await openFrames(t, port, script.slowReader ? { 4: 0 } : {});
  client.send(...requestFrames(1, script.upload));
  if (script.slowReader) await spoken;
  client.send(...openWindows(1));
  for (;;) {
    const seen = seenOf(client.received, 1);
    const open = script.behind === "nothing" || script.behind.startsWith("GOAWAY");
    if (seen.reset !== undefined || client.closed || (seen.ended && (open || script.upload === "ended"))) {
      client.socket.destroy();
      return seen;
    }
    await client.more();
  }
}

/** A script that hangs is a finding like any other. */
function hangs(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, TIMEOUT, undefined).unref());
}

for (const slowReader of [false, true]) {
  test(`T-33 the end of an answer is never lost to the end of the upload, ${slowReader ? "also when its client reads late" : "whatever comes behind it"}`, async (t) => {
    const { proxy, both } = await startStage(t);
    const wrong: string[] = [];

    for (const script of completeAnswers(slowReader)) {
      const { direct, proxied } = await both(script);
      // Of an answer that is complete the client hears no error of its destination's, only that the
      // rest of its upload is not wanted.
      const right = proxied?.reset === undefined || (proxied.reset === 0 && script.upload !== "ended");
      const expected = { ...direct, reset: undefined };
      if (!right || JSON.stringify({ ...proxied, reset: undefined }) !== JSON.stringify(expected)) {
        wrong.push(`${JSON.stringify(script)} gave ${JSON.stringify(proxied)}, directly ${JSON.stringify(direct)}`);
      }
    }

    assert.deepEqual(wrong, []);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
    assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 0);
  });
}

test("T-33 what came of an answer that breaks off is relayed, and its stream is reset with the destination's code", async (t) => {
  const { proxy, both } = await startStage(t);
  const wrong: string[] = [];

  for (const script of brokenAnswers()) {
    const { direct, proxied } = await both(script);
    // Without an error it would look complete; and a connection that ends has no code.
    const reset = direct?.reset || 2;
    if (JSON.stringify(proxied) !== JSON.stringify({ ...direct, reset })) {
      wrong.push(`${JSON.stringify(script)} gave ${JSON.stringify(proxied)}, directly ${JSON.stringify(direct)}`);
    }
  }

  assert.deepEqual(wrong, []);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});
