import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { open } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const BODIES = Array.from({ length: 4 }, () => randomBytes(8 * 1024 * 1024));

for (const framing of ["content-length", "chunked"]) {
  test(`E1-22 answers (${framing}) that are read slowly and at the same time do not get into each other's way`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => {
      const body = BODIES[Number(request.url?.slice(1))] ?? Buffer.alloc(0);
      if (framing === "content-length") response.setHeader("content-length", body.length);
      response.end(body);
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const hashes = await Promise.all(
      BODIES.map(async (_, index) => {
        const outgoing = open(proxy.port, { path: `/${index}` });
        outgoing.end();
        const [incoming]: IncomingMessage[] = await once(outgoing, "response");
        const hash = createHash("sha256");
        for await (const chunk of incoming ?? []) {
          hash.update(chunk);
          // Each reads at a pace of its own, so that the proxy holds pieces of all of them back.
          for (let turns = 0; turns < index; turns += 1) await new Promise(setImmediate);
        }
        return hash.digest("hex");
      }),
    );

    assert.deepEqual(
      hashes,
      BODIES.map((body) => createHash("sha256").update(body).digest("hex")),
    );
  });
}
