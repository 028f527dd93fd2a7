import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { NO_GRPC_PEER, runPeer, startPeer } from "../../src/testing/grpc-peer.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const needsPeer = { skip: NO_GRPC_PEER, timeout: 120_000 };

/** A grpc-go server behind a proxy. @returns both ports */
async function startPair(t: TestContext) {
  const server = await startPeer(t, "serve");
  const proxy = await startProxy(t, { [SERVICE]: [server] });
  return { server, proxy: proxy.port };
}

test("T-32 a grpc-go client that measures its bandwidth reads a stream of a message per millisecond to its end", needsPeer, async (t) => {
  const { proxy } = await startPair(t);

  const { outcomes, messages } = await runPeer(proxy, "call", "-method", "Pour", "-count", "1500", "-pause", "1ms");

  assert.deepEqual({ outcomes, messages }, { outcomes: { OK: 1 }, messages: 1_500 });
});

test("T-32 a grpc-go client that measures its bandwidth makes a thousand calls one after the other", needsPeer, async (t) => {
  const { proxy } = await startPair(t);

  const { outcomes, trailed } = await runPeer(proxy, "call", "-calls", "1000");

  assert.deepEqual({ outcomes, trailed }, { outcomes: { OK: 1_000 }, trailed: 1_000 });
});

test("T-32 a bidirectional stream of grpc-go with large messages both ways comes to its end", needsPeer, async (t) => {
  const { proxy } = await startPair(t);

  const { outcomes, messages } = await runPeer(proxy, "call", "-count", "200", "-size", "100000");

  assert.deepEqual({ outcomes, messages }, { outcomes: { OK: 1 }, messages: 200 });
});

for (const { method, messages } of [
  { method: "Exhausted", messages: 0 },
  { method: "ExhaustedLater", messages: 1 },
]) {
  test(`T-33 a grpc-go caller that is still sending gets the status of ${method}, every time`, needsPeer, async (t) => {
    const { server, proxy } = await startPair(t);
    const flags = ["-method", method, "-calls", "100", "-count", "1000", "-size", "4096"];

    const direct = await runPeer(server, "call", ...flags);
    const { outcomes, messages: came, trailed } = await runPeer(proxy, "call", ...flags);

    assert.deepEqual(direct.outcomes, { ResourceExhausted: 100 });
    assert.deepEqual({ outcomes, came, trailed }, { outcomes: { ResourceExhausted: 100 }, came: 100 * messages, trailed: 100 });
  });
}

test("T-33 a grpc-go caller that is still sending reads our own refusal, every time", needsPeer, async (t) => {
  const proxy = await startProxy(t, {});

  const { outcomes, detail } = await runPeer(proxy.port, "call", "-calls", "100", "-count", "1000", "-size", "4096");

  assert.deepEqual(outcomes, { Unavailable: 100 });
  assert.match(detail, /service/);
});

for (const { path, flags } of [
  { path: "/401/0", flags: [] },
  { path: "/413/20000", flags: [] },
  { path: "/413/200000", flags: [] },
  { path: "/401/20", flags: ["-hang-up"] },
]) {
  test(
    `T-36 a Go client that is still uploading reads the answer ${path}${flags.length > 0 ? ", behind which its server hangs up" : ""}, every time`,
    needsPeer,
    async (t) => {
      const server = await startPeer(t, "serve-http", ...flags);
      const proxy = await startProxy(t, { [SERVICE]: [server] });

      const { outcomes, whole, detail } = await runPeer(proxy.port, "post", "-path", path, "-calls", "100", "-size", "5000000");

      assert.deepEqual({ outcomes, whole, detail }, { outcomes: { [path.slice(1, 4)]: 100 }, whole: 100, detail: "" });
    },
  );
}
