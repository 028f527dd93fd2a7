import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-01 a request with both Transfer-Encoding and Content-Length gets 400 and the connection closes", async (t) => {
  let seen = 0;
  const upstream = await startUpstream(t, (_request, response) => {
    seen += 1;
    response.end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(
    proxy.port,
    `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`,
  );

  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answer, /fenceline-error: REQUEST_MALFORMED\r\n/);
  assert.match(answer, /connection: close\r\n/);
  assert.equal(answer.match(/^HTTP\/1\.1 /gm)?.length, 1);
  assert.equal(seen, 0);
});
