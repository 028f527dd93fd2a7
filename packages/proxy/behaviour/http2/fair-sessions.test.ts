import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { FENCE_SOURCE } from "@fenceline/api/vocabulary";
import { answeredWith } from "../../src/testing/answered-with.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/** Two connections of five streams each. */
const MAX = 10;

for (const [who, certificate] of [
  ["a namespace", { "x-forwarded-client-cert": "Hash=1;URI=spiffe://cluster.local/ns/evil/sa/default" }],
  ["callers that prove no namespace", {}],
] as const) {
  test(`T-08 ${who} cannot take the last streams to an address from others, nor the waiting line`, async (t) => {
    const hanging: ServerHttp2Stream[] = [];
    const upstream = await startHttp2Upstream(
      t,
      (stream, headers) => {
        if (headers[":path"] === "/good") stream.respond({}, { endStream: true });
        else hanging.push(stream);
      },
      { settings: { maxConcurrentStreams: MAX / 2 } },
    );
    const options = { http2: { maxSessions: 2 }, upstream: { maxWaiting: 4 }, trustForwardedClientCert: true };
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, options);
    const session = openSession(t, proxy.port);
    const evil = { [FENCE_SOURCE]: "evil/a", ...certificate };
    const flood = Array.from({ length: 2 * MAX }, () => callHttp2(session, { ":path": "/evil", ...evil }));
    while (hanging.length < 8 && !t.signal.aborted) await new Promise(setImmediate);

    const good = {
      ":path": "/good",
      [FENCE_SOURCE]: "good/b",
      "x-forwarded-client-cert": "Hash=1;URI=spiffe://cluster.local/ns/good/sa/b",
    };
    const answers = await Promise.all(Array.from({ length: 4 }, () => callHttp2(session, good)));

    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.equal(hanging.length, 8);
    const all = await answeredWith(() => hanging.shift()?.respond({}, { endStream: true }), Promise.all(flood));
    assert.ok(all.every(({ status }) => status === 200 || status === 503));
    assert.ok(all.filter(({ status }) => status === 200).length >= 8);
  });
}
