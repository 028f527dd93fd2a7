import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { COLLECTOR_AUDIENCE, type FenceKey, type FencelineError, ServiceFence } from "@fenceline/api";
import { type FenceReader, fenceRoutes, resetRoute } from "@fenceline/collector";
import { probeRoutes, serveHttpApi } from "@fenceline/http-api";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { apiGuard } from "./api-guard.ts";

const FENCES: readonly FenceKey[] = ["shop/web", "shop/cart", "bank/ledger"].map((text) => {
  const [namespace = "", name = ""] = text.split("/");
  return { namespace, name };
});
const READER: FenceReader = {
  fences: () => FENCES,
  describe: (key) => ({
    fence: ServiceFence.parse({ apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: key }),
    status: { domains: {} },
  }),
  edgeFences: () => [],
  edgesOf: () => [],
};
const RULE = { group: "microservice.slime.io", resource: "servicefences" };

async function setUp(t: TestContext) {
  const server = await FakeApiServer.start(t);
  const clock = { now: 0 };
  const troubles: FencelineError[] = [];
  const { guard, metrics } = apiGuard({ api: server.api(t), onTrouble: (error) => void troubles.push(error), clock: () => clock.now });
  const resets: string[] = [];
  const resetter = {
    fencesIn: (namespace: string) => [{ namespace, name: "web" }],
    reset: ({ namespace, name }: FenceKey, host?: string) => resets.push(`${namespace}/${name} ${host}`) > 0,
  };
  const routes = [...fenceRoutes(() => READER), resetRoute(() => resetter), ...probeRoutes({ metrics: () => [metrics] })];
  const http = await serveHttpApi({ host: "127.0.0.1", port: 0, guard, routes });
  t.after(() => http.close());
  const ask = async (path: string, token?: string, localAddress = "127.0.0.1", method = "GET") => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: "127.0.0.1", port: http.port, path, method, headers, localAddress, agent: false }).end();
    const [response] = await once(sent, "response");
    const body = (await response.setEncoding("utf8").toArray()).join("");
    return {
      status: response.statusCode,
      body,
      json: body.startsWith("{") ? JSON.parse(body) : {},
      retryAfter: response.headers["retry-after"],
    };
  };
  const answered = async (path: string, token?: string) => {
    const { status, json } = await ask(path, token);
    return `${status} ${json.code ?? "ok"}`;
  };
  const refusals = async (reason: string) =>
    new RegExp(`^fenceline_api_calls_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec((await ask("/metrics")).body)?.[1];
  const reader = (name: string, ...namespaces: readonly (string | undefined)[]) => {
    for (const namespace of namespaces)
      for (const verb of ["get", "list"]) {
        server.rights.grant(`system:serviceaccount:shop:${name}`, { ...RULE, verb, ...(namespace !== undefined && { namespace }) });
      }
    return server.tokens.issue("shop", name, COLLECTOR_AUDIENCE);
  };
  return { server, clock, troubles, ask, answered, refusals, reader, resets };
}

test("issue 14: probes and metrics are for everybody, and nothing else is for anybody without a token for us", async (t) => {
  const { server, answered, refusals, reader } = await setUp(t);
  reader("anna", undefined);
  for (const path of ["/healthz", "/readyz", "/metrics"]) assert.match(await answered(path), /^200 /);
  for (const path of ["/api/v1/fences", "/api/v1/edges", "/api/v1/fences/shop/web", "/api/v1/fences?limit=nonsense"]) {
    assert.equal(await answered(path), "401 TOKEN_MISSING", path);
  }
  assert.equal(server.requests.length, 0);
  const elsewhere = server.tokens.issue("shop", "anna", "https://kubernetes.default.svc");
  for (const token of ["nonsense", "a.b.c", elsewhere]) assert.equal(await answered("/api/v1/fences", token), "401 TOKEN_INVALID");
  assert.deepEqual([await refusals("token_missing"), await refusals("token_refused")], ["4", "3"]);
});

test("issue 14: whoever may get and list fences of a namespace sees that namespace, and is told how when asking for all", async (t) => {
  const { ask, answered, refusals, reader } = await setUp(t);
  const token = reader("anna", "shop");
  const { json } = await ask("/api/v1/fences?namespace=shop", token);
  assert.deepEqual(
    json.fences.map(({ fence }: { fence: string }) => fence),
    ["shop/cart", "shop/web"],
  );
  for (const path of ["/api/v1/edges?namespace=shop", "/api/v1/fences/shop/web"]) assert.equal(await answered(path, token), "200 ok");
  for (const path of [
    "/api/v1/fences",
    "/api/v1/edges",
    "/api/v1/fences?namespace=bank",
    "/api/v1/fences/bank/ledger",
    "/api/v1/fences/bank/none",
  ]) {
    assert.equal(await answered(path, token), "403 FORBIDDEN", path);
  }
  assert.equal(await refusals("forbidden"), "5");
  const { message } = (await ask("/api/v1/fences", token)).json;
  assert.match(
    message,
    /^system:serviceaccount:shop:anna may not list servicefences\.microservice\.slime\.io in all namespaces; .*\?namespace=/,
  );
  assert.equal(await answered("/api/v1/fences?namespace=A_b", token), "400 PARAMETER_INVALID");
});

test("issue 14: whoever may list fences of all namespaces sees all of them, and one who may only list gets none by name", async (t) => {
  const { server, ask, answered, reader } = await setUp(t);
  assert.equal((await ask("/api/v1/fences", reader("anna", undefined))).json.fences.length, 3);
  server.rights.grant("system:serviceaccount:shop:lister", { ...RULE, verb: "list" });
  const lister = server.tokens.issue("shop", "lister", COLLECTOR_AUDIENCE);
  assert.equal(await answered("/api/v1/edges", lister), "200 ok");
  assert.equal(await answered("/api/v1/fences/shop/web", lister), "403 FORBIDDEN");
});

test("issue 14: a token or a right that is taken away counts for ten seconds, and one that is given for none after five", async (t) => {
  const { server, clock, answered, reader } = await setUp(t);
  const token = reader("anna", "shop");
  const asked = () => answered("/api/v1/fences?namespace=shop", token);
  assert.equal(await asked(), "200 ok");
  server.rights.revoke("system:serviceaccount:shop:anna");
  clock.now = 9_999;
  assert.equal(await asked(), "200 ok");
  clock.now = 10_000;
  assert.equal(await asked(), "403 FORBIDDEN");
  reader("anna", "shop");
  clock.now = 15_000;
  assert.equal(await asked(), "200 ok");
  server.tokens.revoke(token);
  clock.now = 25_000;
  assert.equal(await asked(), "401 TOKEN_INVALID");
});

test("issue 14: an API server that is down, silent or forbids the question gives 503, and opens nothing; it is told once a minute", async (t) => {
  const { server, clock, troubles, ask, answered, refusals, reader } = await setUp(t);
  const token = reader("anna", undefined);
  for (const review of ["tokenreviews", "subjectaccessreviews"]) {
    for (const answer of ["cut", { status: 403, body: {} }, { status: 500, body: {} }] as const) {
      const mend = server.fail(({ path }) => path.endsWith(`/${review}`), answer);
      clock.now += 15_000;
      assert.equal(await answered("/api/v1/fences", token), "503 REVIEW_UNAVAILABLE", review);
      assert.equal((await ask("/api/v1/fences", token)).retryAfter, "1");
      mend();
    }
  }
  clock.now += 15_000;
  assert.equal(await answered("/api/v1/fences", token), "200 ok");
  assert.equal(await refusals("not_reviewed"), "12");
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["KUBERNETES_UNREACHABLE", "KUBERNETES_FORBIDDEN"],
  );
});

test("issue 14: an address that guesses tokens is limited, and asks the API server no more; others are answered", async (t) => {
  const { server, clock, ask, answered, reader } = await setUp(t);
  const token = reader("anna", undefined);
  const guesses = [];
  for (let index = 0; index < 30; index += 1) guesses.push(await answered("/api/v1/fences", `a.b.${index}`));
  assert.deepEqual([guesses.filter((answer) => answer === "401 TOKEN_INVALID").length, guesses.at(-1)], [10, "429 REVIEWS_LIMITED"]);
  assert.equal(server.count("POST"), 10);
  assert.equal((await ask("/api/v1/fences", token, "127.0.0.9")).status, 200);
  clock.now = 1_000;
  assert.equal(await answered("/api/v1/fences", token), "200 ok");
});

test("row 50: whoever may patch the fences of a namespace has them forget, one who may only read them does not, and neither do others", async (t) => {
  const { server, ask, reader, resets } = await setUp(t);
  const reads = reader("anna", undefined);
  server.rights.grant("system:serviceaccount:shop:writer", { ...RULE, verb: "patch", namespace: "shop" });
  const writes = server.tokens.issue("shop", "writer", COLLECTOR_AUDIENCE);
  const post = async (query: string, token?: string) => (await ask(`/api/v1/reset?${query}`, token, "127.0.0.1", "POST")).status;
  assert.deepEqual(
    [await post("namespace=shop"), await post("namespace=shop", reads), await post("namespace=bank", writes)],
    [401, 403, 403],
  );
  assert.deepEqual(resets, []);
  assert.equal(await post("namespace=shop&fence=web&host=B", writes), 202);
  assert.deepEqual(resets, ["shop/web b"]);
  assert.equal((await ask("/api/v1/reset?namespace=shop", writes)).status, 405);
});
