import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SERVICE, SOURCE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

const CLIENT = fileURLToPath(new URL("../testing/JavaClient.java", import.meta.url));
// A JDK of version 17 or later, which runs a source file as it is. Not installed by `npm test`: where there is none, these tests are skipped.
const hasJava = Number(/version "(\d+)/.exec(spawnSync("java", ["-version"], { encoding: "utf8" }).stderr ?? "")?.[1] ?? 0) >= 17;
const hasCompiler = hasJava && /jdk\.compiler/.test(spawnSync("java", ["--list-modules"], { encoding: "utf8" }).stdout);
const skip = !hasCompiler && "no JDK of version 17 or later here";

for (const { mode, what, calls, size } of [
  { mode: "plain", what: "posts a thousand times", calls: 1_000, size: 100 },
  { mode: "upgrade", what: "offers an upgrade to h2c, which is not taken,", calls: 200, size: 100 },
  { mode: "chunked", what: "posts in chunks", calls: 20, size: 1_000_000 },
  { mode: "continue", what: "waits for 100 Continue", calls: 100, size: 10_000 },
]) {
  test(`Java's HttpClient ${what} and reads every answer whole`, { skip, timeout: 120_000 }, async (t) => {
    const upstream = await startUpstream(t, (request, response) => request.pipe(response));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const args = ["-Djdk.httpclient.allowRestrictedHeaders=host", CLIENT, `${proxy.port}`, SERVICE, SOURCE, mode, `${calls}`, `${size}`];

    const { stdout } = await promisify(execFile)("java", args, { timeout: 100_000 });

    assert.equal(Number(stdout), calls);
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), calls);
  });
}
