import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { rawClient } from "../src/testing/raw-client.ts";

const STREAMS = 30;
const MESSAGES = 10;
/**
 * Longer than a turn of the event loop may be spent on messages, so that all but the first have to
 * wait.
 */
const BUSY_MS = 5;

test("T-09 a stream that ends while its messages wait for their turn loses none of them", async (t) => {
  const sink = new (class extends CollectingSink {
    override entries(...args: Parameters<CollectingSink["entries"]>): void {
      super.entries(...args);
      const until = performance.now() + BUSY_MS;
      while (performance.now() < until);
    }
  })();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink });
  const client = rawClient(server.port);
  t.after(async () => {
    client.close();
    await server.close(0);
  });
  const ended = Array.from({ length: STREAMS }, (_, number) => {
    const stream = client.open();
    for (let message = 0; message < MESSAGES; message++) {
      const identifier = message === 0 ? { logName: `fenceline/test1/a${number}`, node: {} } : undefined;
      stream.write(encodeAccessLogMessage({ identifier, entries: [{ authority: `${number}-${message}` }] }));
    }
    stream.end();
    return stream.ended;
  });
  assert.deepEqual(await Promise.all(ended), Array(STREAMS).fill(undefined));
  assert.equal(sink.all.length, STREAMS * MESSAGES);
});
