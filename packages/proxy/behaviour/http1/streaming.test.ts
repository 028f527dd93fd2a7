import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { open } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-22 B2.1-09 the header is there before the first byte of the body, and each byte before the next", async (t) => {
  const responses: ServerResponse[] = [];
  const upstream = await startUpstream(t, (_request, response) => {
    responses.push(response);
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, {});
  outgoing.end();
  const [incoming]: IncomingMessage[] = await once(outgoing, "response");
  assert.equal(incoming?.headers["content-type"], "text/event-stream");
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    responses[0]?.write(event);
    const [chunk]: Buffer[] = await once(incoming ?? outgoing, "data");
    assert.equal(String(chunk), event);
  }
  const ended = once(incoming ?? outgoing, "end");
  responses[0]?.end();
  await ended;
});

test("E1-22 an upload and its answer flow at the same time", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.on("data", (chunk) => response.write(chunk)).on("end", () => response.end());
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, { method: "POST" });
  outgoing.write("one");
  const [incoming]: IncomingMessage[] = await once(outgoing, "response");
  const [first] = await once(incoming ?? outgoing, "data");
  assert.equal(String(first), "one");
  const ended = once(incoming ?? outgoing, "end");
  outgoing.end("two");
  const [second] = await once(incoming ?? outgoing, "data");
  assert.equal(String(second), "two");
  await ended;
});
