import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_HOST_LIMITS } from "./limits.ts";
import { type Held, Peers } from "./peers.ts";

const MIB = 1024 * 1024;

class Stream implements Held {
  held = 0;
  wasDisplaced = false;

  displace(): void {
    this.wasDisplaced = true;
  }
}

/** Peers under the limits that the collector has, which gives none of its own. */
function setUp() {
  const peers = new Peers(DEFAULT_HOST_LIMITS);
  const opened = (name: string) => {
    const [peer, stream] = [peers.of(name), new Stream()];
    assert.equal(peers.open(peer, stream), undefined);
    const hold = (bytes: number) => {
      stream.held += bytes;
      return peers.hold(peer, bytes);
    };
    return { stream, hold };
  };
  return { peers, opened };
}

test("T-10 one peer may hold 16 MiB, over all of its streams, and not a byte more", () => {
  const { opened } = setUp();
  const [one, other] = [opened("test1/a"), opened("test1/a")];
  assert.equal(one.hold(10 * MIB), undefined);
  assert.equal(other.hold(6 * MIB), undefined);
  assert.equal(other.hold(1), "peer_bytes");
  assert.equal(opened("test1/b").hold(1), undefined);
});

test("T-10 all peers together may hold 64 MiB; a byte more is taken from the one that holds most", () => {
  const { peers, opened } = setUp();
  const full = ["a", "b", "c", "d"].map(opened);
  for (const { hold } of full) assert.equal(hold(16 * MIB), undefined);
  assert.deepEqual([peers.bytes, full.some(({ stream }) => stream.wasDisplaced)], [64 * MIB, false]);
  assert.equal(opened("e").hold(1), undefined);
  assert.equal(full.filter(({ stream }) => stream.wasDisplaced).length, 1);
});
