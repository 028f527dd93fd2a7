import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { PrometheusClient, type PrometheusClientOptions } from "./client.ts";
import { numberAnswer, startAnswering } from "./testing/answering-server.ts";

function clientOf(t: TestContext, options: PrometheusClientOptions): PrometheusClient {
  const client = new PrometheusClient(options);
  t.after(() => client.close());
  return client;
}

const codeOf = async (work: Promise<unknown>) => work.then(() => "answered").catch(({ code }) => code as string);

test("a query is posted, with the time that it may take, to the path of the server", async (t) => {
  const server = await startAnswering(t, (_, response) => response.end(numberAnswer("4")));
  const client = clientOf(t, { servers: [{ url: `${server.url}/prefix/`, headers: { "x-scope-orgid": "team-a" } }], timeout: 7_000 });
  assert.equal(await client.number('up{job="a&b"}'), 4);
  const [{ path, query, form, headers } = { path: "", query: "", form: new URLSearchParams(), headers: {} }] = server.received;
  assert.deepEqual([path, query, form.get("timeout")], ["/prefix/api/v1/query", 'up{job="a&b"}', "7000ms"]);
  assert.equal(headers["x-scope-orgid"], "team-a");
});

test("one number is a finite one of one series; several are an error", async (t) => {
  const several = { status: "success", data: { resultType: "vector", result: [1, 2].map(() => ({ metric: {}, value: [1, "1"] })) } };
  const none = { status: "success", data: { resultType: "vector", result: [] } };
  const answers: Record<string, string> = { nan: numberAnswer("NaN"), inf: numberAnswer("+Inf"), none: JSON.stringify(none) };
  const server = await startAnswering(t, ({ query }, response) => response.end(answers[query] ?? JSON.stringify(several)));
  const client = clientOf(t, { servers: [server] });
  for (const query of ["nan", "inf", "none"]) assert.equal(await client.number(query), undefined, query);
  assert.equal(await codeOf(client.number("several")), "PROMETHEUS_AMBIGUOUS");
});

test("servers are tried in order, and one that failed is tried last for half a minute", async (t) => {
  let isWell = false;
  const first = await startAnswering(t, (_, response) => {
    if (isWell) response.end(numberAnswer("1"));
    else response.writeHead(503).end("restarting");
  });
  const second = await startAnswering(t, (_, response) => response.end(numberAnswer("2")));
  let now = 0;
  const outcomes: string[] = [];
  const client = clientOf(t, { servers: [first, second], clock: () => now, onAnswer: (outcome) => outcomes.push(outcome) });
  assert.equal(await client.number("a"), 2);
  isWell = true;
  assert.equal(await client.number("b"), 2);
  assert.deepEqual([first.received.length, outcomes], [1, ["server", "ok", "ok"]]);
  now = 30_000;
  assert.equal(await client.number("c"), 1);
});

test("a query that is itself at fault is not sent to the next server", async (t) => {
  const bad = JSON.stringify({ status: "error", errorType: "bad_data", error: "parse error" });
  const first = await startAnswering(t, (_, response) => response.writeHead(400).end(bad));
  const second = await startAnswering(t, (_, response) => response.end(numberAnswer("2")));
  assert.equal(await codeOf(clientOf(t, { servers: [first, second] }).number("sum(")), "PROMETHEUS_BAD_DATA");
  assert.equal(second.received.length, 0);
});

test("when no server answers, the error has the words of each", async (t) => {
  const first = await startAnswering(t, (_, response) => response.writeHead(500).end("disk full"));
  const second = await startAnswering(t, (_, response) => response.writeHead(401).end("no token"));
  const error = await clientOf(t, { servers: [first, second, { url: "http://127.0.0.1:1" }] })
    .query("a")
    .catch((thrown: unknown) => thrown as Error & { code: string });
  assert.ok(error instanceof Error);
  assert.equal(error.code, "PROMETHEUS_SERVER_FAILED");
  assert.match(error.message, /disk full; .*no token; http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
});

test("a server that is silent, or falls silent within its answer, is given up in time", async (t) => {
  const server = await startAnswering(t, ({ query }, response) => {
    if (query === "half") response.write('{"status":');
  });
  const client = clientOf(t, { servers: [server], timeout: 100 });
  assert.equal(await codeOf(client.query("silent")), "PROMETHEUS_TIMEOUT");
  assert.equal(await codeOf(client.query("half")), "PROMETHEUS_TIMEOUT");
});

test("an answer that breaks off is no answer", async (t) => {
  const server = await startAnswering(t, (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{", () => response.destroy());
  });
  assert.equal(await codeOf(clientOf(t, { servers: [server] }).query("a")), "PROMETHEUS_UNREACHABLE");
});

test("an answer beyond its bound is given up before it is read whole; of an error a part is enough", async (t) => {
  let sent = 0;
  const pour = (response: ServerResponse) => {
    const chunk = "x".repeat(64 * 1_024);
    const more = () => {
      if (response.destroyed) return;
      sent += chunk.length;
      response.write(chunk, more);
    };
    more();
  };
  const server = await startAnswering(t, ({ query }, response) => {
    if (query === "error") response.statusCode = 500;
    pour(response);
  });
  const client = clientOf(t, { servers: [server], maxBytes: 256 * 1_024 });
  assert.equal(await codeOf(client.query("endless")), "PROMETHEUS_ANSWER_TOO_LARGE");
  assert.equal(await codeOf(client.query("error")), "PROMETHEUS_SERVER_FAILED");
  assert.ok(sent < 64 * 1_024 * 1_024, `${sent}`);
});

test("equal queries that are under way are one, and the next is another one", async (t) => {
  const held: ServerResponse[] = [];
  const server = await startAnswering(t, (_, response) => held.push(response));
  const client = clientOf(t, { servers: [server] });
  const both = Promise.all([client.number("a"), client.number("a")]);
  await until(() => held.length === 1);
  held.shift()?.end(numberAnswer("1"));
  assert.deepEqual(await both, [1, 1]);
  const third = client.number("a");
  await until(() => held.length === 1);
  held.shift()?.end(numberAnswer("2"));
  assert.equal(await third, 2);
  assert.equal(server.received.length, 2);
});

test("who gives up leaves the others waiting; the last one ends the request", async (t) => {
  const held: ServerResponse[] = [];
  const server = await startAnswering(t, (_, response) => held.push(response));
  const client = clientOf(t, { servers: [server] });
  const [first, second] = [new AbortController(), new AbortController()];
  const results = [client.number("a", first.signal), client.number("a", second.signal)].map((each) => each.catch(({ message }) => message));
  await until(() => held.length === 1);
  first.abort(new Error("first gave up"));
  assert.equal(await results[0], "first gave up");
  assert.equal(held[0]?.destroyed, false);
  second.abort(new Error("second gave up"));
  assert.equal(await results[1], "second gave up");
  await until(() => held[0]?.destroyed === true);
});

test("so many queries are asked at a time, and the others one after the other", async (t) => {
  const held = new Map<string, ServerResponse>();
  let most = 0;
  const server = await startAnswering(t, ({ query }, response) => {
    held.set(query, response);
    most = Math.max(most, held.size);
  });
  const client = clientOf(t, { servers: [server], maxConcurrent: 2 });
  const answers = Promise.all(["1", "2", "3", "4"].map((query) => client.number(query)));
  const gaveUp = new AbortController();
  const given = codeOf(client.number("5", gaveUp.signal));
  gaveUp.abort(Object.assign(new Error("gave up"), { code: "GAVE_UP" }));
  assert.equal(await given, "GAVE_UP");
  for (let answered = 0; answered < 4; answered += 1) {
    const [query, response] = await until(() => [...held][0]);
    if (answered < 3) await until(() => held.size === 2);
    held.delete(query);
    response.end(numberAnswer(query));
  }
  assert.deepEqual(await answers, [1, 2, 3, 4]);
  assert.equal(most, 2);
  assert.deepEqual(server.received.map(({ query }) => query).sort(), ["1", "2", "3", "4"]);
});

test("what is under way ends with the client, and nothing is asked any more", async (t) => {
  const server = await startAnswering(t, () => {});
  const client = new PrometheusClient({ servers: [server] });
  const waiting = codeOf(client.query("a"));
  await until(() => server.received.length === 1);
  await client.close();
  assert.deepEqual([await waiting, await codeOf(client.query("b"))], ["PROMETHEUS_UNREACHABLE", "PROMETHEUS_UNREACHABLE"]);
  assert.equal(server.received.length, 1);
});
