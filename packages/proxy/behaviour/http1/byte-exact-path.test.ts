import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const TARGETS = ["/", "//a//b", "/a/../b/./c", "/%2E%2e/%00%7e", "/a?b=c?d&e=%20+;", "/a#b", "/\\x", "/{}|^[]", "/?"];

for (const target of TARGETS) {
  test(`E1-26 the path ${JSON.stringify(target)} is forwarded byte for byte`, async (t) => {
    const lines: string[] = [];
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", (chunk) => {
        lines.push(chunk.toString("latin1").split("\r\n")[0] ?? "");
        socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    await sendRaw(proxy.port, `GET ${target} HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);

    assert.deepEqual(lines, [`GET ${target} HTTP/1.1`]);
  });
}

test("the fields that are forwarded keep case, order and duplicates, and Host its spelling", async (t) => {
  const heads: string[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      heads.push(chunk.toString("latin1"));
      socket.end("HTTP/1.1 204 No Content\r\n\r\n");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const spelled = `Details.Bookinfo.SVC.cluster.local.:80`;

  await sendRaw(proxy.port, `GET / HTTP/1.1\r\nX-B: 1\r\nHost: ${spelled}\r\nx-a: 2\r\nX-B: \u00e9\r\nEmpty:\r\nConnection: close\r\n\r\n`);

  const [requestLine, host, ...fields] = (heads[0] ?? "").split("\r\n");
  assert.equal(requestLine, "GET / HTTP/1.1");
  assert.equal(host, `host: ${spelled}`);
  assert.deepEqual(
    fields.filter((field) => !/^(connection|fenceline-hop): /.test(field)),
    ["X-B: 1", "x-a: 2", "X-B: \u00e9", "Empty: ", "", ""],
  );
});
