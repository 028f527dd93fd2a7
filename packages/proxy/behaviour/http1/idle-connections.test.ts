import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { queryObjects, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LeanRequest } from "../../src/http1/lean-request.ts";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const CLIENTS = 50;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

test("T-10 a connection that is kept alive does not keep its last request, with a header of up to 64 KiB", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const clients: Socket[] = [];
  for (let i = 0; i < CLIENTS; i += 1) {
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());
    client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nFence-Source: ${SOURCE}\r\n\r\n`);
    await readUntil(client, "answer");
    clients.push(client);
  }
  assert.equal(await proxy.metric("fenceline_proxy_connections"), CLIENTS);

  // One of a few may be somebody's last one.
  let kept = CLIENTS;
  while (kept > 5 && !t.signal.aborted) {
    await sleep(10);
    collectGarbage();
    // The prototype counts as one of its kind.
    kept = Number(queryObjects(LeanRequest, { format: "count" })) - 1;
  }

  const [client] = clients;
  const again = once(client ?? assert.fail(), "data");
  client?.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nFence-Source: ${SOURCE}\r\n\r\n`);
  assert.match(String((await again)[0]), /^HTTP\/1\.1 200 /);
});
