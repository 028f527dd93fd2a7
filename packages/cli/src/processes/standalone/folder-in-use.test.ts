import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { pino } from "pino";
import { DEMO_FILE } from "../../demo/demo-mesh.ts";
import { runToEnd, startFenceline } from "../../testing/fenceline-process.ts";
import { takeFolder } from "./folder-in-use.ts";
import { startStandalone } from "./standalone.ts";

const PORTS = ["--proxy-port", "0", "--als-port", "0", "--api-port", "0"];

test("T-50 a folder that another standalone works in is refused, also by way of a link, until that one ends, however it ends", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  t.after(() => {
    rmSync(folder, { recursive: true });
    rmSync(link);
  });
  const first = await startFenceline(folder, "--no-demo");
  t.after(() => first.kill("SIGKILL"));
  for (const dir of [folder, link]) {
    const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, ...PORTS]);
    const told = `DIRECTORY_IN_USE: ${dir}: another fenceline standalone works in this folder (stop it, or name another folder with --dir)\n`;
    assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: told });
  }
  // Killed: nothing was cleaned up, and nothing stands in the way of the next one.
  first.kill("SIGKILL");
  await first.ended;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const next = await startFenceline(folder, "--no-demo");
    next.kill(signal);
    await next.ended;
  }
});

test("T-25 a second process is refused before it touches anything, wherever its temporary files are", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  const elsewhere = mkdtempSync(join(tmpdir(), "fenceline-elsewhere-"));
  t.after(() => {
    for (const each of [folder, elsewhere]) rmSync(each, { recursive: true });
  });
  const release = await takeFolder(folder);
  const before = readdirSync(folder);
  const { code, stderr } = await runToEnd(["standalone", "--dir", folder, ...PORTS], { env: { ...process.env, TMPDIR: elsewhere } });
  assert.deepEqual([code, readdirSync(folder), readdirSync(elsewhere)], [2, before, []], stderr);
  assert.match(stderr, /^DIRECTORY_IN_USE/);
  await release();
  assert.deepEqual(readdirSync(folder), []);
});

test("T-25 a folder with a path too long for a socket is held in the folder too, wherever its temporary files are", {
  skip: !existsSync("/proc/self/fd") && "no /proc here: the lock is among the temporary files",
}, async (t) => {
  const outer = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  const folder = join(outer, "deep".repeat(30), "folder");
  const elsewhere = mkdtempSync(join(tmpdir(), "fenceline-elsewhere-"));
  mkdirSync(folder, { recursive: true });
  t.after(() => {
    for (const each of [outer, elsewhere]) rmSync(each, { recursive: true });
  });
  const release = await takeFolder(folder);
  assert.equal(readdirSync(folder).length, 1);
  const { code, stderr } = await runToEnd(["standalone", "--dir", folder, ...PORTS], { env: { ...process.env, TMPDIR: elsewhere } });
  assert.deepEqual([code, readdirSync(elsewhere)], [2, []], stderr);
  assert.match(stderr, /^DIRECTORY_IN_USE/);
  await release();
  assert.deepEqual(readdirSync(folder), []);
});

test("T-25 of many that begin at the same moment one has the folder, also where a killed one left its lock", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const first = await startFenceline(folder, "--no-demo");
  first.kill("SIGKILL");
  await first.ended;
  // With a lock left behind, and then without.
  for (let round = 0; round < 30; round += 1) {
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => takeFolder(folder)));
    const held = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    assert.equal(held.length, 1);
    for (const each of all) if (each.status === "rejected") assert.equal(each.reason.code, "DIRECTORY_IN_USE");
    for (const release of held) await release();
  }
});

test("T-25 where a port cannot be had, nothing is written", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const { port } = server.address() as { readonly port: number };
  for (const flag of ["proxyPort", "alsPort", "apiPort"]) {
    const ports = { proxyPort: 0, alsPort: 0, apiPort: 0, [flag]: port };
    const options = { folder, host: "127.0.0.1", ...ports, demo: true, config: Config.parse({}), logger: pino({ level: "silent" }) };
    await assert.rejects(startStandalone(options), { code: "LISTEN_FAILED" });
    assert.deepEqual(readdirSync(folder), [], flag);
  }
});

test("T-25 ports are bound once: none is free for a moment between the look and whoever listens", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const closed: number[] = [];
  const close = Server.prototype.close;
  t.mock.method(Server.prototype, "close", function (this: Server, ...rest: Parameters<typeof close>) {
    const address = this.address();
    if (address !== null && typeof address === "object") closed.push(address.port);
    return close.apply(this, rest);
  });
  const ports = { proxyPort: 0, alsPort: 0, apiPort: 0 };
  const options = { folder, host: "127.0.0.1", ...ports, demo: false, config: Config.parse({}), logger: pino({ level: "silent" }) };
  const running = await startStandalone(options);
  const taken = [running.proxyPort, running.alsPort, running.apiPort];
  assert.deepEqual(
    closed.filter((port) => taken.includes(port)),
    [],
  );
  const { status } = await fetch(`http://127.0.0.1:${running.apiPort}/healthz`);
  assert.equal(status, 200);
  await running.close();
  // And they are free again.
  for (const port of taken) {
    const next = createServer().listen(port, "127.0.0.1");
    await once(next, "listening");
    next.close();
  }
});

test("T-25 a demo.yaml that is yours is left alone, be it an edited one of the demo, an empty one, or a link", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, DEMO_FILE);
  const run = async (demo: boolean) => {
    const options = { folder, host: "127.0.0.1", proxyPort: 0, alsPort: 0, apiPort: 0, demo, config: Config.parse({}) };
    await (await startStandalone({ ...options, logger: pino({ level: "silent" }) })).close();
  };
  await run(true);
  const edited = readFileSync(path, "utf8").replace("idleWindow: 20s", "idleWindow: 30s");
  for (const text of [edited, ""]) {
    writeFileSync(path, text);
    await assert.rejects(run(true), { code: "DEMO_FILE_NOT_OURS" });
    await run(false);
    assert.equal(readFileSync(path, "utf8"), text);
  }
  rmSync(path);
  mkdirSync(join(folder, "more"));
  symlinkSync(join(folder, "more", "target"), path);
  await assert.rejects(run(true), { code: "DEMO_FILE_NOT_OURS" });
  assert.deepEqual(readdirSync(join(folder, "more")), []);
});

test("T-25 whoever talks without end, or slowly for ever, at a socket in the place of a lock is taken for alive, and not listened to", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  // A byte a second at most would never be too long, nor too late since the last one.
  let piece = "x".repeat(1_000);
  let pause = 1;
  const server = createServer((connection) => {
    const talk = setInterval(() => connection.write(piece), pause);
    connection.on("error", () => {}).on("close", () => clearInterval(talk));
  });
  server.listen(join(folder, ".fenceline.lock.00000000"));
  await once(server, "listening");
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  await assert.rejects(takeFolder(folder), { code: "DIRECTORY_IN_USE" });
  piece = "x";
  pause = 1_000;
  await assert.rejects(takeFolder(folder), { code: "DIRECTORY_IN_USE" });
});

test("T-50 what cannot be removed at the end, as on a disk that became read-only, is no fault, and the rest is closed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const running = await startFenceline(folder, "--no-demo");
  t.after(() => running.kill("SIGKILL"));
  const lock = readdirSync(folder).find((name) => name.startsWith(".fenceline.lock."));
  for (const path of [join(folder, "state", "api-token"), join(folder, String(lock))]) {
    rmSync(path);
    mkdirSync(path);
  }
  running.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
