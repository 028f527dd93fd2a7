import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startRawUpstream } from "../testing/upstream.ts";
import { afterNextPoll } from "./after-next-poll.ts";

test("T-38 what follows in the kernel behind the data that are being read is told before", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      socket.write("answer");
      // Both ends live on this event loop: that this has been sent is known.
      socket.end();
    });
  });
  for (let round = 0; round < 20; round += 1) {
    const socket = connect(upstream.port, "127.0.0.1");
    let ended = false;
    socket.on("end", () => {
      ended = true;
    });
    socket.write("request");
    await once(socket, "data");
    await new Promise<void>((resolve) => afterNextPoll({ afterPoll: resolve }));
    assert.ok(ended, `round ${round}`);
  }
});

test("those that wait are called in their order, and those that come meanwhile one poll later", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    const last = { afterPoll: () => resolve(void order.push("last")) };
    afterNextPoll({ afterPoll: () => void order.push("first") });
    afterNextPoll({
      afterPoll() {
        order.push("second");
        afterNextPoll(last);
      },
    });
  });
  assert.deepEqual(order, ["first", "second", "last"]);
});
