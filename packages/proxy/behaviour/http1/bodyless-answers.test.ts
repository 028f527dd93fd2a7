import assert from "node:assert/strict";
import { test } from "node:test";
import { openSocket, readToEnd } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startUpstream } from "../../src/testing/upstream.ts";

/**
 * Two requests on one connection: were the first answer framed wrongly, the second would be lost in
 * it.
 */
async function twice(port: number, method: string): Promise<string[]> {
  const socket = await openSocket(port);
  const head = ` / HTTP/1.1\r\nHost: ${SERVICE}\r\n`;
  socket.write(`${method}${head}\r\n${method}${head}Connection: close\r\n\r\n`);
  return (await readToEnd(socket)).split(/(?=^HTTP\/1\.1 )/m);
}

test("E1-19 the answer to HEAD keeps Content-Length and has no body", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { "content-length": "1000" }).end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answers = await twice(proxy.port, "HEAD");

  assert.equal(answers.length, 2);
  for (const answer of answers) {
    assert.match(answer, /content-length: 1000\r\n/);
    assert.ok(answer.endsWith("\r\n\r\n"), answer);
  }
});

for (const [status, field, forwarded] of [
  ["204 No Content", "X-A: 1", "X-A: 1"],
  ["204 No Content", "Content-Length: 5", undefined],
  ["304 Not Modified", "Content-Length: 1000", "Content-Length: 1000"],
] as const) {
  test(`E1-19 ${status} with "${field}" has no body and no coding`, async (t) => {
    const upstream = await startAnsweringUpstream(t, `HTTP/1.1 ${status}\r\n${field}\r\n\r\n`);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answers = await twice(proxy.port, "GET");

    assert.equal(answers.length, 2);
    for (const answer of answers) {
      assert.ok(answer.startsWith(`HTTP/1.1 ${status}\r\n`), answer);
      assert.equal(answer.includes(field), forwarded !== undefined);
      assert.ok(!/transfer-encoding/i.test(answer), answer);
      assert.ok(answer.endsWith("\r\n\r\n"), answer);
    }
  });
}
