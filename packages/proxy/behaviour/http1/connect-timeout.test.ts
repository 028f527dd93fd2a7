import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { call, refusalOf } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/**
 * Listens with the shortest queue there is, and never accepts: once the queue is full, the kernel
 * drops every further SYN.
 */
const DEAF_LISTENER = `
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** A port on loopback where connects are neither accepted nor refused. */
async function startBlackHole(t: TestContext): Promise<number> {
  const python = spawn("python3", ["-c", DEAF_LISTENER], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => {
    python.kill();
  });
  const [line] = await once(createInterface({ input: python.stdout }), "line");
  const port = Number(line);
  const filler = connect(port, "127.0.0.1");
  t.after(() => {
    filler.destroy();
  });
  await once(filler, "connect");
  return port;
}

test("E1-16 B2.1-04 a destination that drops SYNs gives 504 after the connect timeout", async (t) => {
  const port = await startBlackHole(t);
  const proxy = await startProxy(t, { [SERVICE]: [port] }, { upstream: { connectTimeout: 200 } });

  const answer = await call(proxy.port, { method: "POST", body: "x" });

  assert.equal(answer.status, 504);
  assert.equal(refusalOf(answer).code, "CONNECT_TIMED_OUT");
  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 1);
});
