import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { call, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream } from "../../src/testing/upstream.ts";

const FOLDED: Readonly<Record<string, string>> = {
  "a space": "HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 2\r\n\r\nok",
  "several spaces and tabs": "HTTP/1.1 200 OK\r\nX-A: one \t\r\n \t two\r\nContent-Length: 2\r\n\r\nok",
  "LF and a space": "HTTP/1.1 200 OK\nX-A: one\n two\nContent-Length: 2\n\nok",
};

for (const [what, answer] of Object.entries(FOLDED)) {
  test(`T-48 a field of an answer that is folded by ${what} goes on in one line (RFC 9112 §5.2)`, async (t) => {
    const upstream = await startAnsweringUpstream(t, answer);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const { headers, body, status } = await call(proxy.port);

    assert.deepEqual([status, headers["x-a"], body.toString()], [200, "one two", "ok"]);
  });
}

test("T-48 a folded field that comes in pieces goes on in one line", async (t) => {
  const upstream = await startRawUpstream(t, async (socket) => {
    await once(socket, "data");
    for (const piece of ["HTTP/1.1 200 OK\r\nX-A: one\r", "\n", " ", "two\r\nContent-Length: 0\r\n\r\n"]) {
      await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));
    }
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  assert.equal((await call(proxy.port)).headers["x-a"], "one two");
});

test("T-48 Envoy joins a folded field of an answer too", {
  skip: toolPath("envoy") === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it",
}, async (t) => {
  const upstream = await startAnsweringUpstream(t, FOLDED["a space"] ?? "");
  const port = await startEnvoyTo(t, toolPath("envoy") ?? "envoy", upstream.port);
  assert.equal((await call(port)).headers["x-a"], "one two");
});

test("T-48 a header full of blanks costs no more time than its bytes", async (t) => {
  const upstream = await startAnsweringUpstream(
    t,
    `HTTP/1.1 200 OK\nX-A: a${" ".repeat(60_000)}b\nX-B: one\n two\nContent-Length: 2\n\nok`,
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const request = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`;
  const before = process.threadCpuUsage();

  const answer = await sendRaw(proxy.port, request);

  const { user } = process.threadCpuUsage(before);
  assert.match(answer, /\r\nX-B: one two\r\n.*\r\n\r\nok$/s);
  // Trying each blank as the first one took 3 s.
  assert.ok(user < 500_000, `${user} µs`);
});
