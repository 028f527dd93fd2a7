import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const CLIENT = fileURLToPath(new URL("../../src/testing/JavaClient.java", import.meta.url));
// A JDK of version 17 or later, which runs a source file as it is. Not installed by `npm test`, nor
// asked for by `.ci/run`: where there is none, these tests are skipped, on CI too.
const hasJava = Number(/version "(\d+)/.exec(spawnSync("java", ["-version"], { encoding: "utf8" }).stderr ?? "")?.[1] ?? 0) >= 17;
const hasCompiler = hasJava && /jdk\.compiler/.test(spawnSync("java", ["--list-modules"], { encoding: "utf8" }).stdout);
const skip = !hasCompiler && "no JDK of version 17 or later here, which CI may lack too (.ci/run)";

for (const { name, mode, calls, size } of [
  { name: "T-38 Java's HttpClient posts a thousand times on one connection", mode: "plain", calls: 1_000, size: 100 },
  { name: "T-48 Java's HttpClient offers h2c with each request, and none is taken up", mode: "upgrade", calls: 200, size: 100 },
  { name: "T-38 Java's HttpClient posts a megabyte in chunks", mode: "chunked", calls: 20, size: 1_000_000 },
  { name: "T-45 Java's HttpClient waits for 100 Continue", mode: "continue", calls: 100, size: 10_000 },
]) {
  test(`${name}, and reads every answer whole`, { skip, timeout: 120_000 }, async (t) => {
    const seen = { connections: new Set<unknown>(), fields: new Set<string>() };
    const upstream = await startUpstream(t, (request, response) => {
      seen.connections.add(request.socket);
      for (const field of Object.keys(request.headers)) seen.fields.add(field);
      request.pipe(response);
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const args = ["-Djdk.httpclient.allowRestrictedHeaders=host", CLIENT, `${proxy.port}`, SERVICE, SOURCE, mode, `${calls}`, `${size}`];

    const { stdout } = await promisify(execFile)("java", args, { timeout: 100_000 });

    assert.equal(Number(stdout), calls);
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), calls);
    // One after the other. A connection that idles for 4 s on a slow machine is replaced.
    assert.ok(seen.connections.size <= 3, `${seen.connections.size} connections`);
    assert.deepEqual(
      ["upgrade", "http2-settings"].filter((field) => seen.fields.has(field)),
      [],
    );
    assert.equal(seen.fields.has("expect"), mode === "continue");
    assert.equal(seen.fields.has("transfer-encoding"), mode === "chunked");
  });
}
