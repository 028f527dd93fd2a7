import assert from "node:assert/strict";
import { test } from "node:test";
import { call, open, readAnswer } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream, unusedPort } from "../testing/upstream.ts";

const SOURCE_KEY = { namespace: "bookinfo", name: "productpage" };

test("each request is reported once, with the caller and the host as it was written: the first as soon as it is forwarded, the next with their status", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(404).end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (let i = 0; i < 3; i += 1)
    await call(proxy.port, { host: `${SERVICE.toUpperCase()}:80`, headers: { "slime-orig-dest": "10.0.0.1:80" } });

  const edge = {
    source: SOURCE_KEY,
    authority: `${SERVICE.toUpperCase()}:80`,
    originalDestination: { address: "10.0.0.1", port: 80 },
    responseCode: 404,
  };
  assert.deepEqual(proxy.reported.edges, [{ ...edge, responseCode: 0 }, edge, edge]);
  assert.deepEqual(proxy.reported.known, [false, true, true]);
});

test("T-52 at level debug the first report of an edge has the request id, and later ones, which are summed up, none; at info none has", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  for (const logLevel of ["debug", "info"] as const) {
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { logLevel });

    for (const id of ["id-1", "id-2"]) await call(proxy.port, { headers: { "x-request-id": id } });

    const first = { source: SOURCE_KEY, authority: SERVICE, responseCode: 0, ...(logLevel === "debug" && { requestId: "id-1" }) };
    assert.deepEqual(proxy.reported.edges, [first, { source: SOURCE_KEY, authority: SERVICE, responseCode: 200 }]);
  }
});

test("a first call is reported before its answer is there, and not again with it", async (t) => {
  const arrival = Promise.withResolvers<() => void>();
  const upstream = await startUpstream(t, (_request, response) => arrival.resolve(() => response.end("late")));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, {});
  outgoing.end();
  const answered = readAnswer(outgoing);
  const answer = await arrival.promise;
  assert.deepEqual(proxy.reported.edges, [{ source: SOURCE_KEY, authority: SERVICE, responseCode: 0 }]);
  answer();

  assert.equal((await answered).body.toString(), "late");
  assert.equal(proxy.reported.edges.length, 1);
});

test("a call to a known service that cannot be reached is reported, too", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort()], "empty.bookinfo": [] });

  await call(proxy.port);
  await call(proxy.port, { host: "empty.bookinfo" });

  assert.deepEqual(
    proxy.reported.edges.map(({ responseCode }) => responseCode),
    [0, 503],
  );
});

test("what never had a destination is not reported", async (t) => {
  const proxy = await startProxy(t, {});
  for (const host of ["none.bookinfo", "www.example.com", "a..b"]) await call(proxy.port, { host });
  assert.deepEqual(proxy.reported.edges, []);
});

test("a client that leaves before the answer has taught the edge", async (t) => {
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const upstream = await startUpstream(t, () => arrived());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, {});
  outgoing.on("error", () => {});
  outgoing.end();
  await arrival;
  outgoing.destroy();

  assert.deepEqual(await proxy.reported.waitFor(1), [{ source: SOURCE_KEY, authority: SERVICE, responseCode: 0 }]);
});

test("without a source a request is forwarded, counted and not reported", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port, { source: null })).body.toString(), "ok");
  assert.equal((await call(proxy.port, { source: "no-slash" })).body.toString(), "ok");

  assert.deepEqual(proxy.reported.edges, []);
  assert.equal(await proxy.metric('fenceline_proxy_unreported_requests_total{reason="NO_SOURCE"}'), 2);
});
