import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream, unusedPort } from "../../src/testing/upstream.ts";

const VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"];

test("B2.1-10 a proxy named in the environment is not asked: it could not know the cluster's services", async (t) => {
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const dead = await unusedPort();
  for (const name of VARIABLES) process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : `http://127.0.0.1:${dead}`;
  const upstream = await startUpstream(t, (_request, response) => response.end("direct"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port)).body.toString(), "direct");
});
