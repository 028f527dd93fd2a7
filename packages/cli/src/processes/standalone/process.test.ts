import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { VERSION } from "../../build-info.ts";
import { get, startFenceline } from "../../testing/fenceline-process.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

const CURL = { host: "details.bookinfo.svc.cluster.local", "fence-source": "bookinfo/productpage" };

/** A folder, and a way to run Fenceline over it; both are gone after the test. */
function setUp(t: TestContext) {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-process-"));
  undo(() => rmSync(folder, { recursive: true, force: true }));
  const run = async (...flags: string[]) => {
    const fenceline = await startFenceline(folder, ...flags);
    undo(() => {
      fenceline.kill("SIGKILL");
      return fenceline.ended;
    });
    return fenceline;
  };
  return { undo, folder, run };
}

function hostsOf(folder: string): string[] {
  const path = join(folder, "rendered/test1/Sidecar-a.yaml");
  return existsSync(path) ? parse(readFileSync(path, "utf8")).spec.egress[0].hosts : [];
}

test("the first screen shows a first call through the fallback, the learned edge, the rendered Sidecar and a direct call", async (t) => {
  const { run } = setUp(t);
  const fenceline = await run();
  const demo = { from: "bookinfo/productpage", to: "details" };
  const isCall = (hop: string) => (line: { msg: string; from?: unknown; to?: unknown; hop?: unknown; status?: unknown }) =>
    line.msg === "demo call" && line.from === demo.from && line.to === demo.to && line.hop === hop && line.status === 200;
  await fenceline.line(isCall("fallback"));
  await fenceline.line(({ msg, fence, host }) => msg === "edge learned" && fence === demo.from && host === CURL.host);
  await fenceline.line(({ msg, fence, added }) => msg === "updated" && fence === demo.from && String(added).includes(CURL.host));
  await fenceline.line(isCall("direct"));
});

test("a call as the README shows it is answered, and its edge is in the API and in the Sidecar", async (t) => {
  const { folder, run } = setUp(t);
  const fenceline = await run();
  const answer = await get(fenceline.proxyPort, "/", CURL);
  assert.deepEqual([answer.status, JSON.parse(answer.body).service], [200, "details"]);
  await fenceline.line(({ msg, added }) => msg === "updated" && String(added).includes(CURL.host));
  const { fences } = JSON.parse((await get(fenceline.apiPort, "/api/v1/fences")).body);
  const productpage = fences.find(({ fence }: { fence: string }) => fence === "bookinfo/productpage");
  assert.ok(productpage.hosts.some(({ host }: { host: string }) => host === CURL.host));
  assert.match(readFileSync(join(folder, "rendered/bookinfo/Sidecar-productpage.yaml"), "utf8"), /details\.bookinfo\.svc\.cluster\.local/);
  assert.match((await get(fenceline.apiPort, "/metrics")).body, /^fenceline_proxy_requests_total\{outcome="2xx"\} [1-9]/m);
});

test("T-50 T-52 metrics tell the version; a changed manifest that is not valid is told, and what it held stays in force", async (t) => {
  const { undo, folder, run } = setUp(t);
  const port = await startService(undo, (_request, response) => response.end("b"));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b: port }));
  const fenceline = await run("--no-demo");
  const { body } = await get(fenceline.apiPort, "/metrics");
  assert.ok(body.includes(`\nfenceline_build_info{version="${VERSION}",node="${process.versions.node}"} 1\n`), body);

  writeFileSync(join(folder, "mesh.yaml"), "kind: [");
  const kept = await fenceline.line(({ msg }) => msg === "manifest rejected; keeping the previous version");
  assert.deepEqual([kept.level, kept.code, JSON.stringify(kept.at).includes("mesh.yaml")], [50, "MANIFESTS_INVALID", true]);
  writeFileSync(join(folder, "more.yaml"), "kind: [");
  const rejected = await fenceline.line(({ msg }) => msg === "manifest rejected");
  assert.deepEqual([rejected.level, rejected.code, JSON.stringify(rejected.at).includes("more.yaml")], [50, "MANIFESTS_INVALID", true]);

  const answer = await get(fenceline.proxyPort, "/", { host: "b", "fence-source": "test1/a" });
  assert.deepEqual(answer, { status: 200, body: "b" });
});

test("SIGTERM lets a request in flight finish and ends with exit code 0 within 5 s", async (t) => {
  const { undo, folder, run } = setUp(t);
  const arrived = Promise.withResolvers<ServerResponse>();
  const port = await startService(undo, (_request, response) => arrived.resolve(response));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b: port }));
  const fenceline = await run("--no-demo");
  const answer = get(fenceline.proxyPort, "/", { host: "b", "fence-source": "test1/a" });
  const response = await arrived.promise;
  const signalled = performance.now();
  fenceline.kill("SIGTERM");
  await fenceline.line(({ msg }) => msg === "stopping");
  response.end("late but whole");
  assert.deepEqual(await answer, { status: 200, body: "late but whole" });
  const { code } = await fenceline.ended;
  assert.equal(code, 0);
  assert.ok(performance.now() - signalled < 5_000);
});

test("SIGTERM ends it with exit code 0 within 5 s even when a request never ends", async (t) => {
  const { undo, folder, run } = setUp(t);
  const arrived = Promise.withResolvers<void>();
  const port = await startService(undo, () => arrived.resolve());
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b: port }));
  const fenceline = await run("--no-demo");
  const answer = get(fenceline.proxyPort, "/", { host: "b", "fence-source": "test1/a" }).catch(() => "cut");
  await arrived.promise;
  const signalled = performance.now();
  fenceline.kill("SIGTERM");
  const { code } = await fenceline.ended;
  assert.equal(code, 0);
  assert.ok(performance.now() - signalled < 5_000);
  assert.equal(await answer, "cut");
});

test("Ctrl-C under npm, which sends SIGINT twice, still ends it in order", async (t) => {
  const { run } = setUp(t);
  const fenceline = await run("--no-demo");
  fenceline.kill("SIGINT");
  fenceline.kill("SIGINT");
  await fenceline.line(({ msg }) => msg === "stopped");
  assert.equal((await fenceline.ended).code, 0);
});

test("killed with -9 while it learns: every host that was rendered is rendered again, and nothing is broken", async (t) => {
  const { undo, folder, run } = setUp(t);
  const port = await startService(undo, (_request, response) => response.end("ok"));
  const names = Array.from({ length: 60 }, (_, index) => `s${index}`);
  writeFileSync(join(folder, "mesh.yaml"), meshOf(Object.fromEntries(names.map((name) => [name, port]))));
  for (const kept of [10, 25, 40]) {
    const before = hostsOf(folder);
    const fenceline = await run("--no-demo");
    // It may be more than was rendered before: the state is written first.
    assert.deepEqual(
      before.filter((host) => !hostsOf(folder).includes(host)),
      [],
    );
    const learned = names.slice(kept - 10, kept);
    for (const name of learned) await get(fenceline.proxyPort, "/", { host: name, "fence-source": "test1/a" });
    // The first of them is rendered, the others are at any stage of it.
    await fenceline.line(({ msg, added }) => msg === "updated" && String(added).includes(`/${learned[0]}.`));
    fenceline.kill("SIGKILL");
    await fenceline.ended;
  }
  const last = hostsOf(folder);
  for (const first of ["s0", "s15", "s30"]) assert.ok(last.includes(`test1/${first}.test1.svc.cluster.local`), `${first} is in ${last}`);
  const after = await run("--no-demo");
  assert.deepEqual(
    hostsOf(folder).filter((host) => last.includes(host)),
    last,
  );
  assert.equal((await get(after.proxyPort, "/", { host: "s59", "fence-source": "test1/a" })).status, 200);
});

test("--no-demo takes the demo of an earlier run away, with everything that it had learned", async (t) => {
  const { folder, run } = setUp(t);
  const first = await run();
  await first.line(({ msg }) => msg === "edge learned");
  first.kill("SIGTERM");
  await first.ended;
  assert.ok(existsSync(join(folder, "state/bookinfo/ServiceFence-productpage.yaml")));
  await run("--no-demo");
  for (const left of ["demo.yaml", "state/bookinfo/ServiceFence-productpage.yaml", "rendered/bookinfo/Sidecar-productpage.yaml"]) {
    assert.ok(!existsSync(join(folder, left)), left);
  }
});

test("an invalid manifest ends the start with exit code 2, naming file, line and field, and nothing is rendered", async (t) => {
  const { folder } = setUp(t);
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b: 1 }).replace("enable: true", "enable: maybe"));
  await assert.rejects(
    startFenceline(folder, "--no-demo"),
    /exit code 2: .*FENCE_INVALID: mesh\.yaml:9 ServiceFence test1\/a spec\.enable/,
  );
  assert.ok(!existsSync(join(folder, "rendered")));
});

test("an unknown flag and a port that is none are refused with a usage message", async (t) => {
  const { folder } = setUp(t);
  await assert.rejects(startFenceline(folder, "--demmo"), /unknown option '--demmo'/);
  await assert.rejects(startFenceline(folder, "--api-port", "http"), /A port is a number/);
});
