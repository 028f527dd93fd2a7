import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { startGrpcHost } from "./grpc-host.ts";
import { OK } from "./grpc-status.ts";
import type { HostLimit } from "./limits.ts";
import type { GrpcMethod } from "./service.ts";

const PATH = "/test.Service/Call";
const SIDECARS_PEER = "test1/a";

/** Answers whoever has said all. */
const method: GrpcMethod = { open: (call) => ({ message() {}, halfClosed: () => call.end(OK), retire() {} }) };

/**
 * A host with the limits that the collector has, and a clock that stands still. Who shows a name in
 * `peer` comes by the sidecar.
 */
async function setUp(t: TestContext) {
  let now = performance.now();
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["setInterval"] });
  const met: HostLimit[] = [];
  const host = await startGrpcHost({
    host: "127.0.0.1",
    port: 0,
    services: [{ [PATH]: method }],
    peerOf: ({ peer }, address) => (typeof peer === "string" ? peer : address),
    onLimit: (limit) => met.push(limit),
  });
  const session = connect(`http://127.0.0.1:${host.port}`).on("error", () => {});
  t.after(async () => {
    session.destroy();
    await host.close(0);
  });
  while (host.connections === 0) await turn();
  return {
    host,
    session,
    /** The limits that were met when so many milliseconds had passed since the connection came. */
    after(milliseconds: number) {
      now += milliseconds;
      t.mock.timers.tick(1_000);
      return [...met];
    },
  };
}

/** A call that ends with OK. */
async function called(session: ClientHttp2Session, host: { readonly streams: number }, headers: Record<string, string>): Promise<void> {
  const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers", ...headers });
  stream.resume().end();
  await new Promise((resolve) => stream.on("close", resolve));
  while (host.streams > 0) await turn();
}

for (const [what, headers, seconds] of [
  ["of the sidecar, whose call is over,", { peer: SIDECARS_PEER }, 5],
  ["that has had no call", undefined, 5],
  ["of a client without a sidecar, whose call is over,", {}, 60],
] as const) {
  test(`T-10 a connection ${what} is closed after ${seconds} s`, async (t) => {
    const { host, session, after } = await setUp(t);
    if (headers !== undefined) await called(session, host, headers);
    const closed = new Promise((resolve) => session.on("close", resolve));
    assert.deepEqual(after(seconds * 1_000), ["idle"]);
    await closed;
  });

  test(`T-10 a connection ${what} is kept until then`, async (t) => {
    const { host, session, after } = await setUp(t);
    if (headers !== undefined) await called(session, host, headers);
    assert.deepEqual(after(seconds * 1_000 - 1), []);
  });
}
