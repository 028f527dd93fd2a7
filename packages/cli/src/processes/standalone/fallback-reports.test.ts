import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createEdgeReporter } from "@fenceline/als";
import { Config } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { get } from "../../testing/fenceline-process.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";
import { startStandalone } from "./standalone.ts";

async function setUp(t: TestContext) {
  const undo = undoAfter(t);
  const b = await startService(undo, (_incoming, response) => response.end("b"));
  const c = await startService(undo, (_incoming, response) => response.end("c"));
  const folder = mkdtempSync(join(tmpdir(), "fenceline-reports-"));
  undo(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b, c }, "{enable: true}"));
  const ports = { proxyPort: 0, alsPort: 0, apiPort: 0 };
  const logger = pino({ level: "silent" });
  const fenceline = await startStandalone({ folder, host: "127.0.0.1", ...ports, demo: false, config: Config.parse({}), logger });
  undo(() => fenceline.close());
  const api = async (path: string) => (await get(fenceline.apiPort, path)).body;
  return { undo, fenceline, edges: () => api("/api/v1/edges"), metrics: () => api("/metrics") };
}

test("T-01 standalone, a report in the fallback's name teaches nothing without the token, which only its own proxy has", async (t) => {
  const { undo, fenceline, edges, metrics } = await setUp(t);
  const refused = Promise.withResolvers<string>();
  for (const token of [undefined, "guess"]) {
    const reporter = createEdgeReporter({
      target: `127.0.0.1:${fenceline.alsPort}`,
      nodeId: "global-sidecar~forged",
      ...(token !== undefined && { token: () => token }),
      onEvent: (event) => event.type === "disconnected" && token === "guess" && refused.resolve(event.reason),
    });
    undo(() => reporter.close(0));
    reporter.report({ source: { namespace: "test1", name: "a" }, authority: "c.test1", responseCode: 200 });
  }
  assert.match(await refused.promise, /not a valid one of the global sidecar/);
  await until(async () => /^fenceline_fallback_calls_refused_total\{reason="no_token"\} [1-9]/m.test(await metrics()));

  assert.equal((await get(fenceline.proxyPort, "/", { host: "b.test1", "fence-source": "test1/a" })).body, "b");
  await until(async () => (await edges()).includes("b.test1.svc.cluster.local"));
  assert.doesNotMatch(await edges(), /c\.test1/);
  assert.match(await metrics(), /^fenceline_fallback_calls_refused_total\{reason="token_refused"\} [1-9]/m);
});
