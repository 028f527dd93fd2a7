import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { openSocket, readToEnd, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const LIMIT = 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const STALLED = 'fenceline_proxy_requests_total{outcome="CALL_STALLED"}';
const CLIENTS = 12;
const FIRST = `GET /first HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;
/** More than one connection may have waiting. Each takes a hundred times what it is on the wire. */
const TINY = "GET / HTTP/1.1\r\n\r\n".repeat(3_500);

test("T-10 requests behind answers that do not come hold a bounded sum of bytes, and their connections end with the refusal", async (t) => {
  let answerSmall = () => {};
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === "/small") answerSmall = () => response.end("small");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const small = await openSocket(proxy.port);
  small.write(`GET /small HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  const answers: string[] = [];
  for (let i = 0; i < CLIENTS; i += 1) {
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());
    void readToEnd(client).then((answer) => answers.push(answer));
    client.write(FIRST + TINY);
  }

  await until(async () => answers.length >= CLIENTS - 4 && (await proxy.metric(HELD)) <= 2 * LIMIT);

  assert.ok((await proxy.metric(STALLED)) >= answers.length);
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 504 .*CALL_STALLED(?!.*HTTP\/1\.1 )/s);
  answerSmall();
  assert.match(await readUntil(small, "small"), /^HTTP\/1\.1 200 /);
  small.destroy();
});
