import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { call } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";
import { DecisionLog, MAX_LOGGED_TEXT } from "./decision-log.ts";

function collecting() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "debug", base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}

test("T-52 at level debug a request has a line for where it is routed and one for its answer, with its request id", async (t) => {
  const { logger, lines } = collecting();
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(204).end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { logger });
  await call(proxy.port, { headers: { "X-Request-Id": "id-1", "slime-orig-dest": "10.0.0.1:80" } });
  const names = { requestId: "id-1", source: "bookinfo/productpage", host: SERVICE, originalDestination: "10.0.0.1:80" };
  const [routed, answered] = lines;
  assert.deepEqual(
    { ...routed, service: undefined },
    {
      level: 20,
      ...names,
      service: undefined,
      by: "host",
      addresses: [`http://127.0.0.1:${upstream.port}`],
      endpoints: 1,
      learns: true,
      external: false,
      msg: "request routed",
    },
  );
  assert.deepEqual(answered, { level: 20, ...names, address: `http://127.0.0.1:${upstream.port}`, status: 204, msg: "request answered" });
  assert.equal(lines.length, 2);
});

test("T-52 at level debug every refusal has its line, with the request id, and text of callers is cut", async (t) => {
  const { logger, lines } = collecting();
  const proxy = await startProxy(t, {}, { logger });
  const long = "x".repeat(2_000);
  for (let n = 0; n < 30; n += 1) await call(proxy.port, { host: "none.bookinfo", headers: { "x-request-id": long } });
  assert.equal(lines.length, 30);
  for (const { msg, requestId } of lines) assert.deepEqual([msg, requestId], ["request failed", long.slice(0, MAX_LOGGED_TEXT)]);
});

test("T-52 at any other level there is no such log, and so nothing is built for it", () => {
  for (const level of ["info", "warn", "silent"]) assert.equal(DecisionLog.of(pino({ level })), undefined);
});
