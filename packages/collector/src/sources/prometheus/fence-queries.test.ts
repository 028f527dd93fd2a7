import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { FenceKey } from "@fenceline/api";
import type { Sighting, SightingSink } from "@fenceline/edges";
import { PrometheusClient } from "@fenceline/prometheus";
import { type Answering, startAnswering } from "@fenceline/prometheus/testing";
import { pino } from "pino";
import { meshOf } from "../../testing/mesh.ts";
import { FenceQueries, forFence } from "./fence-queries.ts";

const SLIME = 'sum(istio_requests_total{source_app="$source_app",reporter="destination"})by(destination_service)';

const fences = (...names: readonly string[]) =>
  names
    .map(
      (name) =>
        `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: test1}, spec: {enable: true}}`,
    )
    .join("\n---\n");
const SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {ports: [{port: 80}, {port: 81}]}}";

/** Takes what fences are told. */
class Heard implements SightingSink {
  readonly sightings: Sighting[] = [];
  learns(): boolean {
    return true;
  }
  observed(): void {
    throw new Error("a query for one fence does not say that all of its calls were observed");
  }
  sighted(sighting: Sighting) {
    this.sightings.push(sighting);
    return "seen" as const;
  }
}

async function queriesOf(t: TestContext, answer: Answering, maxConcurrent = 1) {
  const server = await startAnswering(t, answer);
  const client = new PrometheusClient({ servers: [server], timeout: 1_000 });
  t.after(() => client.close());
  const sink = new Heard();
  const lines: { fence?: string; msg: string }[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const results: string[] = [];
  const config = { handlers: { destination: { query: SLIME } }, maxConcurrent };
  const queries = new FenceQueries({ client, config, sink, logger, onResult: (result) => results.push(result), now: () => 5 });
  return { queries, sink, results, lines, received: server.received };
}

function answerOf(...series: readonly (readonly [labels: object, value: string])[]): string {
  const result = series.map(([metric, value]) => ({ metric, value: [1, value] }));
  return JSON.stringify({ status: "success", data: { resultType: "vector", result } });
}

test("the names of a fence stand for Slime's words", () => {
  const key: FenceKey = { namespace: "test1", name: "a" };
  assert.equal(forFence('x{ns="$namespace",app="$source_app",also="$source_app"}', key), 'x{ns="test1",app="a",also="a"}');
});

test("what a query has above 0 is called, by the name that callers of the fence's namespace use", async (t) => {
  const answer = answerOf(
    [{ destination_service: "b.test1.svc.cluster.local" }, "7"],
    [{ request_host: "B:8080" }, "1"],
    [{ destination_service: "b.test1.svc.cluster.local" }, "0"],
    [{ destination_service: "b.test1.svc.cluster.local" }, "NaN"],
    [{ destination_service: "unknown" }, "3"],
    [{ app: "b" }, "3"],
    [{ destination_service: "elsewhere.example" }, "3"],
  );
  const { queries, sink, results, received } = await queriesOf(t, (_, response) => response.end(answer));
  await queries.round(meshOf(`${fences("a")}\n---\n${SERVICE}`), AbortSignal.timeout(5_000));
  const sighted = { fence: { namespace: "test1", name: "a" }, host: "b.test1.svc.cluster.local", port: undefined, requests: 0, at: 5 };
  assert.deepEqual(sink.sightings, [sighted, sighted]);
  assert.deepEqual(results, ["seen", "seen", "unknown_destination", "unknown_destination", "unknown_destination"]);
  assert.equal(received[0]?.query, SLIME.replace("$source_app", "a"));
});

test("a query that fails is its fence's alone, and the log names it", async (t) => {
  const bad = JSON.stringify({ status: "error", errorType: "execution", error: "labels twice" });
  const { queries, sink, lines } = await queriesOf(t, ({ query }, response) => {
    if (query.includes('"b"')) response.writeHead(422).end(bad);
    else response.end(answerOf([{ destination_service: "b.test1.svc.cluster.local" }, "7"]));
  });
  await queries.round(meshOf(`${fences("a", "b", "c")}\n---\n${SERVICE}`), AbortSignal.timeout(5_000));
  assert.deepEqual(
    sink.sightings.map(({ fence }) => fence.name),
    ["a", "c"],
  );
  assert.deepEqual(
    lines.map(({ fence, msg }) => [fence, msg]),
    [["test1/b", "query for a fence failed, the others go on"]],
  );
});

test("where nobody answers, a round ends early, and the next one goes on with the others", async (t) => {
  let isWell = false;
  const { queries, received } = await queriesOf(t, (_, response) => {
    if (isWell) response.end(answerOf());
    else response.writeHead(503).end();
  });
  const mesh = meshOf(fences("a", "b", "c", "d", "e", "f", "g"));
  const asked = () => received.map(({ query }) => /"(.)"/.exec(query)?.[1]).join("");
  await queries.round(mesh, AbortSignal.timeout(5_000));
  assert.equal(asked(), "abcde");
  isWell = true;
  await queries.round(mesh, AbortSignal.timeout(5_000));
  assert.equal(asked(), "abcdefgabcde");
});
