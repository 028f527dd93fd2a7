import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_GRPC_PEER, runPeer, startPeer } from "../testing/grpc-peer.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { PingPacing } from "./ping-pacing.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const FIVE_MINUTES = 5 * MINUTE;
/** Bytes of a PING, and of its acknowledgement. */
const PING = 17;

/** What a destination does, by the second. */
type Happening = "nothing" | "ping" | "data";

/**
 * Lets a clock run over a connection with an open stream that is looked at every second.
 *
 * @returns the times of our PINGs
 */
function run(seconds: number, happens: (second: number) => Happening): number[] {
  const pacing = new PingPacing(30 * SECOND);
  pacing.begin(0);
  const pings: number[] = [];
  let bytesRead = 0;
  for (let second = 1; second <= seconds; second += 1) {
    const what = happens(second);
    if (what !== "nothing") bytesRead += PING;
    if (what === "data") pacing.heard();
    if (!pacing.isDue(second * SECOND, bytesRead)) continue;
    pings.push(second * SECOND);
    bytesRead += PING;
    pacing.answered(bytesRead);
  }
  return pings;
}

/**
 * What gRPC's servers hold against a client: strikes, of which the third ends the connection, as
 * grpc-go's http2_server.go counts them.
 */
function strikes(pings: readonly number[], happens: (second: number) => Happening): number {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const at of pings) {
    const from = last === Number.NEGATIVE_INFINITY ? 0 : last / SECOND;
    const sent = Array.from({ length: at / SECOND - from }, (_, i) => from + i + 1).some((second) => happens(second) === "data");
    if (sent) count = 0;
    else if (at - last < FIVE_MINUTES) count += 1;
    last = at;
  }
  return count;
}

test("T-34 a silent destination gets a PING after 30 s, then one in five minutes", () => {
  assert.deepEqual(
    run(1_000, () => "nothing"),
    [30, 340, 650, 960].map((second) => second * SECOND),
  );
});

for (const every of [10, 31, 40, 120, 290]) {
  test(`T-34 a destination that pings us every ${every} s gets none of ours more often than one in five minutes`, () => {
    const happens = (second: number): Happening => (second % every === 0 ? "ping" : "nothing");
    const pings = run(7_200, happens);

    for (const [i, at] of pings.entries()) if (i > 0) assert.ok(at - (pings[i - 1] ?? 0) >= FIVE_MINUTES, `${pings}`);
    assert.equal(strikes(pings, happens), 0);
  });
}

test("T-34 behind HEADERS or DATA the next silence is asked about", () => {
  const pings = run(300, (second) => (second === 100 ? "data" : "nothing"));

  assert.deepEqual(pings, [30 * SECOND, 130 * SECOND]);
});

test("T-34 whatever a destination does, a gRPC server counts no strike", () => {
  const happening = fc.constantFrom<Happening>("nothing", "nothing", "nothing", "nothing", "ping", "data");
  fc.assert(
    fc.property(fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 120 })), { minLength: 1, maxLength: 60 }), (script) => {
      const at = new Map<number, Happening>();
      let second = 0;
      for (const [what, pause] of script) {
        second += pause;
        at.set(second, what);
      }
      const happens = (each: number) => at.get(each) ?? "nothing";
      return strikes(run(second + 700, happens), happens) === 0;
    }),
  );
});

test("T-34 a grpc-go server that pings every second keeps an idle stream, and no PING of ours is one too many", {
  skip: NO_GRPC_PEER,
  timeout: 60_000,
}, async (t) => {
  const server = await startPeer(t, "serve", "-keepalive", "1s");
  const proxy = await startProxy(t, { [SERVICE]: [server] }, { http2: { pingAfter: 100, pingTimeout: 5_000 } });

  const { outcomes } = await runPeer(proxy.port, "call", "-method", "Hold", "-for", "8s");

  // Its own deadline ends it. A server that takes us for an attacker would have ended it with the
  // third PING, and `Unavailable`.
  assert.deepEqual(outcomes, { DeadlineExceeded: 1 });
});
