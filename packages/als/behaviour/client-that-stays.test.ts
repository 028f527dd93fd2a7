import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";

/** The connection preface and an empty SETTINGS (RFC 9113 §3.4). */
const PREFACE = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);

/**
 * A client that reads what comes and never ends its own side, whatever it is told. Resolves once
 * the server has greeted it.
 */
async function openStaying(t: TestContext, port: number): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  t.after(() => socket.destroy());
  socket.write(PREFACE);
  await once(socket, "data");
}

async function untilGone({ signal }: TestContext, server: { readonly connections: number }): Promise<void> {
  while (server.connections > 0 && !signal.aborted) await nextTurn();
  assert.equal(server.connections, 0);
}

test("T-10 a client that never ends its side of the connection does not keep the server from closing", async (t) => {
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new CollectingSink() });
  t.after(() => server.close(0));
  await openStaying(t, server.port);

  await server.close(50);

  await untilGone(t, server);
});

test("T-10 a connection past its age is closed, though its client never ends its side", async (t) => {
  const limits = { maxConnectionAgeMs: 1, maxConnectionAgeGraceMs: 1 };
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new CollectingSink(), limits });
  t.after(() => server.close(0));
  await openStaying(t, server.port);

  await untilGone(t, server);
});
