import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { framed } from "@fenceline/wire/testing/frames";
import type { AccessLogEntry } from "../src/access-log-entry.ts";
import type { AccessLogStream } from "../src/service/sink.ts";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { FRAMES, MESSAGES, named, SHARED_FRAMES } from "../src/testing/flood-bytes.ts";
import { rawHttp2 } from "../src/testing/http2-client.ts";

/**
 * How soon an honest stream is heard beside a flood, in turns of the event loop: a slow or busy
 * machine has longer turns, and no more of them.
 */

const FLOOD = fileURLToPath(new URL("../src/testing/flood-process.ts", import.meta.url));
/**
 * Edges beside each flood: as many as are told while the process is busy for so long, since a flood
 * takes a while to fill all there is to fill.
 */
const BUSY_MS = 400;
const FEWEST_EDGES = 10;
const MOST_EDGES = 50;
/** Turns of the event loop between two of them. */
const TURNS_BETWEEN = 10;
/**
 * Turns from the write to the edge. What is promised is 100 ms, and a turn works on messages for
 * 4 ms, and reads for some. Mostly it is one or two turns, since who was served least comes first;
 * a few where other work on the machine makes the honest stream look busy. The flood's 500 streams,
 * were they and the honest one served in order, would need sixty.
 */
const MOST_TURNS = 10;
/**
 * Milliseconds that the process may be busy meanwhile. Twice what is promised, since a machine with
 * other work is slower at ours; time in which it does not run does not count.
 */
const MOST_BUSY_MS = 200;

/** Keeps nothing of a flood. */
class HonestSink extends CollectingSink {
  readonly learned = new Set<string>();

  override entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    if (stream.logName !== "honest") return;
    for (const { authority } of entries) this.learned.add(authority);
    this.changed();
  }
}

/** A flood in a process of its own, which ends with the test. */
async function startFlood(t: TestContext, port: number, what: string): Promise<() => boolean> {
  const child = spawn(process.execPath, [FLOOD, String(port), what], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await once(child.stdout, "data");
  return () => child.exitCode === null;
}

/**
 * Turns of the event loop until the promise resolves, and milliseconds that the process was busy.
 */
async function turnsUntil(done: Promise<void>): Promise<{ readonly turns: number; readonly busyMs: number }> {
  const before = busyMs();
  let turns = 0;
  let next = setImmediate(function count() {
    turns += 1;
    next = setImmediate(count);
  });
  await done;
  clearImmediate(next);
  return { turns, busyMs: busyMs() - before };
}

/** Milliseconds for which this process has run so far, on any core. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

for (const what of [...Object.keys(MESSAGES), ...Object.keys(FRAMES), ...Object.keys(SHARED_FRAMES), "new connections"]) {
  test(`T-09 beside a flood of ${what} each edge of an honest stream is learned within ${MOST_TURNS} turns of the event loop`, async (t) => {
    const sink = new HonestSink();
    const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink });
    t.after(() => server.close(0));
    const { stream } = rawHttp2(t, server.port).call();
    const learn = (edge: string) => {
      stream.write(framed(named("honest", edge)));
      return turnsUntil(sink.until(() => sink.learned.has(edge)));
    };
    await learn("before");
    const floods = await startFlood(t, server.port, what);
    const isHeard = () => server.streams > 400 || server.connections > 20 || Object.values(sink.limits).some((count) => count > 3);
    for (let edge = 0; !isHeard(); edge += 1) await learn(`while it begins ${edge}`);

    const learned = [];
    const ends = busyMs() + BUSY_MS;
    while (learned.length < FEWEST_EDGES || (learned.length < MOST_EDGES && busyMs() < ends)) {
      learned.push(await learn(`beside it ${learned.length}`));
      for (let count = 0; count < TURNS_BETWEEN; count += 1) await turn();
    }

    assert.ok(floods(), "the flood was over");
    const turns = Math.max(...learned.map((each) => each.turns));
    const busy = Math.max(...learned.map((each) => each.busyMs));
    t.diagnostic(`${turns} turns, ${busy.toFixed()} ms at most of ${learned.length}; limits ${JSON.stringify(sink.limits)}`);
    assert.ok(turns <= MOST_TURNS, `${turns} turns`);
    assert.ok(busy <= MOST_BUSY_MS, `${busy} ms`);
  });
}
