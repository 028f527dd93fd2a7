import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../testing/frames.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { ControlFrames } from "./control-frames.ts";

const PING = frame(TYPE.PING, FLAG.NONE, 0, "12345678");
const PING_ACK = 17;
const SETTINGS_ACK = 9;

test("T-32 a PING for each DATA frame, however many come together, is no flood", async (t) => {
  const MESSAGES = 3_000;
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])));
    for (let sent = 1; sent <= MESSAGES; sent += 1) {
      frames.send(frame(TYPE.DATA, sent === MESSAGES ? FLAG.END_STREAM : FLAG.NONE, stream, "0123456789"));
      if (sent % 10 === 0) await new Promise(setImmediate);
    }
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  let received = 0;
  client.onFrame(({ type, payload }) => {
    if (type !== TYPE.DATA) return;
    received += payload.length;
    client.send(PING);
  });

  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields()));

  while (received < 10 * MESSAGES && !client.closed) await client.more();
  assert.equal(received, 10 * MESSAGES);
});

test("T-32 PINGs that nothing is sent between are allowed at once and a second, and no more", () => {
  const frames = new ControlFrames(100, 0);
  let written = 0;
  const allowed = (now: number, count: number) =>
    Array.from({ length: count }, () => {
      const granted = frames.ping(now, written);
      written += PING_ACK;
      return granted;
    }).filter(Boolean).length;

  assert.equal(allowed(0, 150), 100);
  assert.equal(allowed(1_500, 200), 100);
});

test("T-32 the acknowledgements of PINGs and SETTINGS earn nothing, sent at once or late", () => {
  const earned = (delay: number) => {
    const frames = new ControlFrames(10, 0);
    for (let i = 0; i < 1_000; i += 1) if (!frames.ping(0, Math.max(0, i - delay) * PING_ACK)) return i;
    return assert.fail();
  };

  assert.equal(earned(0), 10);
  assert.equal(earned(5), 10);
});

interface Step {
  readonly pause: number;
  /** Bytes of HEADERS and DATA. */
  readonly sent: number;
  readonly pings: number;
  readonly settings: number;
}

/** How many frames were allowed, and how many the time and the bytes may allow. */
function play(steps: readonly Step[]): { granted: number; most: number } {
  const frames = new ControlFrames(100, 0);
  let [now, written, payload, granted] = [0, 0, 0, 0];
  for (const { pause, sent, pings, settings } of steps) {
    now += pause;
    written += sent;
    payload += sent;
    for (let i = 0; i < pings; i += 1, written += PING_ACK) granted += Number(frames.ping(now, written));
    for (let i = 0; i < settings; i += 1, written += SETTINGS_ACK) granted += Number(frames.settings(now, written));
  }
  return { granted, most: 100 + now / 10 + payload / 16 };
}

test("T-32 whatever a client does, its control frames stay in proportion to time and to what it was sent", () => {
  const step = fc.record({ pause: fc.nat(2_000), sent: fc.nat(5_000), pings: fc.nat(300), settings: fc.nat(300) });

  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const { granted, most } = play(steps);
      return granted <= most;
    }),
  );
});
