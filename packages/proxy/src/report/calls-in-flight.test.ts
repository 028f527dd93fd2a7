import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Call, type CallObserver, type Exchange } from "../calls/call.ts";
import { open, openSocket } from "../testing/client.ts";
import { SERVICE, SOURCE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";
import { openUpgrade, startEchoServer } from "../testing/web-socket.ts";
import { CallsInFlight } from "./calls-in-flight.ts";

const OBSERVER: CallObserver = {
  answered() {},
  connected() {},
  failed() {},
  connectFailed() {},
  brokenOff() {},
  gaveUp() {},
  closed() {},
};

function someCall({ answered = false, kind }: { answered?: boolean; kind?: "upgrade" | "tls" } = {}): Call {
  const exchange: Exchange = {
    get call() {
      return call;
    },
    address: undefined,
    heldBytes: 0,
    takenBytes: 0,
    giveUp() {},
    refuse() {},
    ...(kind === undefined ? {} : { kind }),
  };
  const call = new Call(exchange, OBSERVER);
  if (answered) call.answer(200);
  return call;
}

test("a call is long-lived once it has been in flight for the threshold, and not any more when it ends", () => {
  const calls = new CallsInFlight(30_000);
  const call = someCall();
  calls.begin(call);
  calls.age(1_000);

  assert.equal(calls.longLived(30_999).waiting, 0);
  assert.equal(calls.longLived(31_000).waiting, 1);
  assert.equal(calls.oldest(31_000), 30);
  calls.end(call);
  assert.equal(calls.longLived(31_000).waiting, 0);
  assert.equal(calls.oldest(31_000), 0);
  assert.equal(calls.size, 0);
});

test("long-lived calls are counted by what they do", () => {
  const calls = new CallsInFlight(0);
  for (const fields of [
    {},
    { answered: true },
    { answered: true, kind: "upgrade" },
    { answered: true, kind: "tls" },
    { kind: "tls" },
  ] as const) {
    calls.begin(someCall(fields));
  }
  calls.age(0);

  assert.deepEqual(calls.longLived(0), { waiting: 2, answering: 1, upgrade: 1, tls: 1 });
});

test("the list has the oldest calls first, and no more than asked for", () => {
  const calls = new CallsInFlight(5_000);
  for (const now of [0, 1_000, 2_000, 9_000]) {
    calls.begin(someCall());
    calls.age(now);
  }

  assert.deepEqual(
    calls.list(10_000, 10).map(({ seconds }) => seconds),
    [10, 9, 8],
  );
  assert.equal(calls.list(10_000, 2).length, 2);
});

test("a proxy counts its long-lived calls, and names them in a list that is no metric", async (t) => {
  const service = await startUpstream(t, (_request, response) => response.flushHeaders());
  const silent = await startUpstream(t, () => {});
  const echo = await startEchoServer(t);
  const services = { [SERVICE]: [echo.port], "reviews.bookinfo": [service.port], "silent.bookinfo": [silent.port] };
  const proxy = await startProxy(t, services, { longLivedAfter: 1 });

  const { socket } = await openUpgrade(proxy.port);
  const answering = open(proxy.port, { host: "reviews.bookinfo" }).on("error", () => {});
  answering.end();
  await once(answering, "response");
  const waiting = await openSocket(proxy.port);
  waiting.write("GET / HTTP/1.1\r\nHost: silent.bookinfo\r\n\r\n");
  for (const kind of ["upgrade", "answering", "waiting"]) await proxy.until(`fenceline_proxy_long_lived_calls{kind="${kind}"}`, 1);

  const [first, second, third] = proxy.sidecar.longLivedCalls();
  assert.ok((first?.seconds ?? -1) >= 0);
  assert.deepEqual(
    { ...first, seconds: 0 },
    { kind: "upgrade", source: SOURCE, host: SERVICE, endpoint: `http://127.0.0.1:${echo.port}`, seconds: 0 },
  );
  assert.deepEqual([second?.kind, second?.host], ["answering", "reviews.bookinfo"]);
  assert.deepEqual([third?.kind, third?.source, third?.host], ["waiting", null, "silent.bookinfo"]);

  for (const client of [socket, waiting]) client.destroy();
  answering.destroy();
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
  assert.deepEqual(proxy.sidecar.longLivedCalls(), []);
});
