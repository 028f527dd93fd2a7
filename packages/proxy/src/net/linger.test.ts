import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startProxy } from "../testing/proxy-under-test.ts";

for (const [what, bytes] of [
  ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["what is no HTTP", "BAD\r\n\r\n"],
] as const) {
  test(`E1-15 a client that was refused for ${what} and never closes its side holds up no drain`, async (t) => {
    const proxy = await startProxy(t, {});
    const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    t.after(() => client.destroy());
    client.write(bytes);
    client.resume();
    await once(client, "end");

    const before = Date.now();
    await proxy.sidecar.close({ deadline: 30_000 });

    assert.ok(Date.now() - before < 10_000);
  });
}
