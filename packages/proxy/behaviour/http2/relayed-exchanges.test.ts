import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type Resolution, toAddress } from "../../src/resolve/resolver.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

test("E1-13 a request by HTTP/2 with prior knowledge goes on by HTTP/2", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({ ":status": 201, "x-answer": "yes" });
    stream.end("created");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await callHttp2(openSession(t, proxy.port));

  assert.equal(answer.status, 201);
  assert.equal(answer.headers["x-answer"], "yes");
  assert.equal(answer.body, "created");
  assert.equal((await proxy.reported.waitFor(1))[0]?.authority, SERVICE);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), 1);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
});

test("E1-13 many requests share one connection on either side", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    stream.respond();
    stream.end(headers[":path"]);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);

  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => callHttp2(session, { ":path": `/${i}` })));

  assert.deepEqual(
    answers.map(({ body }) => body),
    Array.from({ length: 200 }, (_, i) => `/${i}`),
  );
  assert.ok(upstream.sessions.length <= 2, `${upstream.sessions.length} connections`);
});

test("E1-26 the path and the fields of a request arrive byte for byte, without those of the fence", async (t) => {
  let received: string[] = [];
  const upstream = await startHttp2Upstream(t, (stream, _headers, _flags, rawHeaders) => {
    received = rawHeaders;
    stream.respond({}, { endStream: true });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await callHttp2(openSession(t, proxy.port), {
    ":path": "/a//b/../%2E%2E?q=%00#f",
    ":scheme": "https",
    "slime-source-ns": "bookinfo",
    te: "trailers",
    cookie: ["a=1", "b=2"],
  });

  const [mark = ""] = received.slice(-1);
  assert.match(mark, /^[0-9a-f]{8}$/);
  assert.deepEqual(received, [
    ...[":method", "GET", ":scheme", "https", ":authority", SERVICE, ":path", "/a//b/../%2E%2E?q=%00#f"],
    ...["te", "trailers", "cookie", "a=1", "cookie", "b=2", "fenceline-hop", mark],
  ]);
});

test("E1-21 an answer gains and loses no field, and no Date is made up", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    const fields = [":status", "200", "set-cookie", "a=1", "set-cookie", "b=2", "x-empty", "", "server", "test"];
    const options = { endStream: true, sendDate: false };
    stream.respond(fields, options);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { rawHeaders } = await callHttp2(openSession(t, proxy.port));

  assert.deepEqual(rawHeaders, [":status", "200", "set-cookie", "a=1", "set-cookie", "b=2", "x-empty", "", "server", "test"]);
});

test("E1-10 trailers are relayed both ways, announced or not", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.resume();
    stream.on("trailers", (trailers) => {
      stream.respond({}, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-echo": trailers["x-sum"], "x-fence": trailers["fence-source"] ?? "none" }));
      stream.end("body");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const stream = session.request(head({ ":method": "POST" }), { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42", "fence-source": "forged/one" }));
  stream.end("upload");

  const answer = await readHttp2(stream);

  assert.equal(answer.body, "body");
  assert.equal(answer.trailers["x-echo"], "42");
  assert.equal(answer.trailers["x-fence"], "none");
});

for (const { body, name } of [
  { name: "behind a body", body: "upload" },
  { name: "without a body", body: "" },
]) {
  test(`E1-10 trailers of an HTTP/2 request ${name} go on although they come before its destination is resolved`, async (t) => {
    const resolved = Promise.withResolvers<Resolution>();
    const upstream = await startHttp2Upstream(t, async (stream) => {
      const trailers: string[][] = [];
      stream.on("trailers", (_fields, _flags, rawTrailers: string[]) => trailers.push(rawTrailers));
      const received = (await stream.toArray()).join("");
      stream.respond();
      stream.end(JSON.stringify([received, ...trailers]));
    });
    const proxy = await startProxy(t, {}, { resolver: { resolve: () => resolved.promise } });
    const session = openSession(t, proxy.port);
    const stream = session.request(head({ ":method": "POST" }), { endStream: false, waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42", "x-bin": ["AAE=", "AAI="] }));
    stream.end(body);
    await once(stream, "finish");
    // Answered behind all that was sent.
    await new Promise((resolve) => session.ping(resolve));

    resolved.resolve([toAddress("127.0.0.1", upstream.port)]);

    assert.deepEqual(JSON.parse((await readHttp2(stream)).body), [body, ["x-sum", "42", "x-bin", "AAE=", "x-bin", "AAI="]]);
  });
}
