import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const FULL = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 9\r\n\r\nab\r\n\r\ncde";

for (const [what, answer] of Object.entries({
  "in every line of the header": FULL.replaceAll("\r\n", "\n").replace("ab\n\ncde", "ab\r\n\r\ncde"),
  "in the status line": FULL.replace("OK\r\n", "OK\n"),
  "in one field": FULL.replace("1\r\n", "1\n"),
  "in the empty line": FULL.replace("9\r\n\r\n", "9\r\n\n"),
  "before the empty line": FULL.replace("9\r\n\r\n", "9\n\r\n"),
  "in an interim answer": `HTTP/1.1 103 Early Hints\nLink: </a>\n\n${FULL}`,
  "behind a chunk": FULL.replace("Content-Length: 9\r\n\r\nab\r\n\r\ncde", "Transfer-Encoding: chunked\r\n\r\n9\r\nab\r\n\r\ncde\n0\r\n\n"),
})) {
  for (const pieces of [1, answer.length]) {
    test(`T-37 an answer with LF alone ${what} is served as Envoy serves it (${pieces} bytes a piece), and its connection not used again`, async (t) => {
      const upstream = await startRawUpstream(t, (socket) => {
        socket.setNoDelay(true).on("data", async () => {
          for (let at = 0; at < answer.length; at += pieces) {
            await new Promise((resolve) => socket.write(answer.slice(at, at + pieces), "latin1", resolve));
          }
        });
      });
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

      for (let i = 1; i <= 2; i += 1) {
        const { status, headers, body } = await call(proxy.port);
        assert.deepEqual([status, headers["x-a"], body.toString()], [200, "1", "ab\r\n\r\ncde"]);
        assert.equal(upstream.connections(), i);
      }
    });
  }
}
