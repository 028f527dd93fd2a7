import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { FakeApiServer } from "../testing/fake-api-server.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { SERVICES } from "../testing/resources.ts";
import { ApiError, retryAfterMs } from "./api-error.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { kubeConfigLoader } from "./load-kube-config.ts";

const LIST = { method: "GET", path: "/api/v1/services" } as const;

/** A kubeconfig file whose token a test rotates. */
async function apiWithFile(t: TestContext, server: FakeApiServer, clock: ManualClock) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-kubeconfig-"));
  const file = join(folder, "config");
  const rotate = (token: string) => {
    const clusters = [{ name: "c", cluster: { server: server.url, "insecure-skip-tls-verify": true } }];
    const users = [{ name: "u", user: { token } }];
    const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, users, contexts, "current-context": "x" }));
  };
  rotate("first");
  const api = new KubernetesApi(await kubeConfigLoader(file), { clock });
  t.after(() => {
    api.close();
    rmSync(folder, { recursive: true });
  });
  return { api, rotate };
}

test("E3-16 a token that was rotated is read again when the server no longer takes the old one", async (t) => {
  const server = await FakeApiServer.start(t);
  const { api, rotate } = await apiWithFile(t, server, new ManualClock());
  await api.json(LIST);
  rotate("second");
  server.token = "second";
  await api.json(LIST);
  assert.deepEqual(
    server.requests.map(({ token }) => token),
    ["first", "first", "second"],
  );
});

test("E3-16 a token that is simply wrong is not read again for every request", async (t) => {
  const server = await FakeApiServer.start(t);
  const clock = new ManualClock();
  const { api, rotate } = await apiWithFile(t, server, clock);
  server.token = "right";
  await assert.rejects(api.json(LIST), /KUBERNETES_UNAUTHORIZED/);
  await assert.rejects(api.json(LIST), /KUBERNETES_UNAUTHORIZED/);
  assert.equal(server.requests.length, 3);
  rotate("right");
  clock.advance(10_000);
  await api.json(LIST);
});

test("a refusal carries the server's own words and its Retry-After", async (t) => {
  const server = await FakeApiServer.start(t);
  server.answer(() => true, { status: 429, headers: { "retry-after": "3" }, body: { code: 429, message: "slow down" } });
  const error = await server
    .api(t)
    .json(LIST)
    .catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.code, error.status, error.retryAfter], ["KUBERNETES_TOO_MANY_REQUESTS", 429, 3_000]);
  assert.match(error.message, /GET \/api\/v1\/services: 429 slow down/);
});

test("Retry-After is seconds or a date, and nonsense is nothing", () => {
  assert.equal(retryAfterMs("120", 0), 120_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:09 GMT", 4_000), 5_000);
  assert.equal(retryAfterMs("soon", 0), undefined);
});

test("requests share connections", async (t) => {
  const server = await FakeApiServer.start(t);
  const api = server.api(t);
  for (let requests = 0; requests < 5; requests += 1) await api.json(LIST);
  assert.equal(server.connections, 1);
});

test("a stream outlives the time that an answer may take, and ends with its signal", async (t) => {
  const server = await FakeApiServer.start(t);
  const api = server.api(t, { requestTimeout: 50 });
  const abort = new AbortController();
  const stream = await api.stream({ ...LIST, query: { watch: "true", resourceVersion: "1" }, signal: abort.signal });
  const began = performance.now();
  await until(() => performance.now() - began > 100);
  assert.equal(server.openWatches(SERVICES), 1);
  stream.on("error", () => {});
  abort.abort();
  await until(() => server.openWatches(SERVICES) === 0);
});

test("E3-08 a kubeconfig that cannot be read is a request that fails, and is read again for the next", async (t) => {
  const server = await FakeApiServer.start(t);
  let isThere = false;
  const api = new KubernetesApi(() => {
    if (!isThere) throw new Error("ENOENT: no such file");
    return server.kubeConfig();
  });
  t.after(() => api.close());
  await assert.rejects(api.json(LIST), /KUBERNETES_UNREACHABLE: GET \/api\/v1\/services: ENOENT/);
  isThere = true;
  await api.json(LIST);
});

test("a request to a server that is silent fails when the client is closed, and so does every later one", async (t) => {
  const server = await FakeApiServer.start(t);
  const api = server.api(t);
  server.answer(() => true, "silence");
  const waiting = assert.rejects(api.json(LIST), /KUBERNETES_UNREACHABLE/);
  await until(() => server.requests.length === 1);
  api.close();
  await waiting;
  await assert.rejects(api.json(LIST), /KUBERNETES_UNREACHABLE/);
  assert.equal(server.requests.length, 1);
});
