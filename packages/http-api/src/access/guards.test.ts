import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { Registry as MetricsRegistry } from "prom-client";
import { sendJson } from "../answers.ts";
import { probeRoutes } from "../probes.ts";
import type { Route } from "../route.ts";
import { serveHttpApi } from "../serve.ts";
import type { Guard } from "./guard.ts";
import { localTokenGuard, loopbackGuard } from "./local-guards.ts";

const right = () => ({ verb: "get", group: "g", resource: "things" }) as const;
const THINGS: readonly Route[] = (["GET", "POST", "PUT", "PATCH", "DELETE"] as const).map((method) => ({
  method,
  path: "/api/v1/things",
  right,
  answer: (_, response) => sendJson(response, 200, { method }),
}));

async function start(t: TestContext, guard: Guard) {
  const api = await serveHttpApi({
    host: "127.0.0.1",
    port: 0,
    guard,
    routes: [...THINGS, ...probeRoutes({ metrics: () => [new MetricsRegistry()] })],
  });
  t.after(() => api.close());
  return async (method: string, path: string, headers: Record<string, string | string[]> = {}, localAddress = "127.0.0.1") => {
    const sent = request({ host: "127.0.0.1", port: api.port, method, path, headers, localAddress, agent: false }).end();
    const [response] = await once(sent, "response");
    const body = (await response.setEncoding("utf8").toArray()).join("");
    return {
      status: response.statusCode,
      code: body.startsWith("{") ? JSON.parse(body).code : undefined,
      challenge: response.headers["www-authenticate"],
    };
  };
}

const WRITES = ["POST", "PUT", "PATCH", "DELETE"];

test("issue 14: standalone, reading needs no token, and whatever writes needs the one of the state folder", async (t) => {
  const ask = await start(t, localTokenGuard({ matches: (text) => text === "s3cret", hint: "it is in state/api-token" }));
  for (const method of ["GET", "HEAD"]) assert.equal((await ask(method, "/api/v1/things")).status, 200);
  for (const method of WRITES) {
    assert.deepEqual(await ask(method, "/api/v1/things"), { status: 401, code: "TOKEN_MISSING", challenge: 'Bearer realm="fenceline"' });
    for (const authorization of ["Basic czNjcmV0", "Bearer", "Bearer ", "s3cret", "Bearer s3cret x"]) {
      assert.equal((await ask(method, "/api/v1/things", { authorization })).code, "TOKEN_MISSING", authorization);
    }
    for (const authorization of ["Bearer s3cre", "Bearer s3crets", "Bearer S3CRET"]) {
      const { status, code, challenge } = await ask(method, "/api/v1/things", { authorization });
      assert.deepEqual([status, code, challenge], [401, "TOKEN_INVALID", 'Bearer realm="fenceline", error="invalid_token"']);
    }
    for (const authorization of ["Bearer s3cret", "bearer  s3cret"]) {
      assert.equal((await ask(method, "/api/v1/things", { authorization })).status, 200);
    }
  }
});

test("issue 14: a call with two tokens is refused, whichever of them is valid", async (t) => {
  const ask = await start(t, localTokenGuard({ matches: () => true, hint: "" }));
  const { status, code } = await ask("POST", "/api/v1/things", { authorization: ["Bearer a", "Bearer b"] });
  assert.deepEqual([status, code], [401, "TOKEN_MISSING"]);
});

test("issue 14: the global sidecar tells its own pod of calls and nobody else, not what Istio's Envoy hands on from others", async (t) => {
  const ask = await start(t, loopbackGuard());
  assert.equal((await ask("GET", "/api/v1/things")).status, 200);
  for (const other of ["127.0.0.6", "127.0.0.9"]) {
    const { status, code } = await ask("GET", "/api/v1/things", {}, other);
    assert.deepEqual([status, code], [403, "LOOPBACK_ONLY"]);
    for (const probe of ["/healthz", "/readyz", "/metrics"]) assert.equal((await ask("GET", probe, {}, other)).status, 200);
  }
  for (const method of WRITES) assert.equal((await ask(method, "/api/v1/things")).code, "LOOPBACK_ONLY");
});
