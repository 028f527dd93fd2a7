import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { globalSidecarOn, startCommand, startFenceline } from "./testing/fenceline-process.ts";
import { undoAfter } from "./testing/undo.ts";

const MAIN = join(import.meta.dirname, "main.ts");

test("T-50 SIGHUP, as of a terminal that goes away, ends every daemon in order", async (t) => {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-signals-"));
  undo(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, "none");
  const daemons = [
    [await startFenceline(folder, "--no-demo"), "fenceline is up; stop it with Ctrl-C"],
    [startCommand(...globalSidecarOn(), "--drain-delay", "0s"), "global sidecar is up"],
    [startCommand("collector", "--kubeconfig", kubeconfig, "--als-port", "0", "--api-port", "0"), "collector reads the mesh"],
  ] as const;
  for (const [daemon, up] of daemons) {
    undo(() => {
      daemon.kill("SIGKILL");
      return daemon.ended;
    });
    await daemon.line(({ msg }) => msg === up);
    daemon.kill("SIGHUP");
    assert.equal((await daemon.line(({ msg }) => msg === "stopping")).signal, "SIGHUP");
    assert.deepEqual(await daemon.ended, { code: 0, signal: null, stderr: "" });
  }
});

test("T-50 standalone ends cleanly with the reader of its log, as under `| head -1`", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-signals-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const format of ["json", "pretty"]) {
    const args = [MAIN, "standalone", "--dir", folder, "--proxy-port", "0", "--als-port", "0", "--api-port", "0", "--log-format", format];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    t.after(() => child.kill("SIGKILL"));
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code, signal] = await once(child, "close");
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
  }
});

test("T-50 the global sidecar outlives the reader of its log: requests matter more", async (t) => {
  const args = [MAIN, ...globalSidecarOn(), "--drain-delay", "0s"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    text += chunk;
    if (text.includes("global sidecar is up")) break;
  }
  const { adminPort, port } = JSON.parse(text.split("\n").find((line) => line.includes("global sidecar is up")) ?? "");
  // A worker logs each refusal: to a reader that is gone.
  for (let call = 0; call < 20; call += 1) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 421);
  assert.equal((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, 200);
  assert.match(await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(), /^fenceline_proxy_worker_deaths_total 0$/m);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("T-50 a log that cannot be written for want of room is told on standard error, and standalone ends", {
  skip: !existsSync("/dev/full") && "no /dev/full here",
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-signals-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const args = ["standalone", "--dir", folder, "--no-demo", "--proxy-port", "0", "--als-port", "0", "--api-port", "0"];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", full, "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let told = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.match(told, /^LOG_UNWRITABLE: standard output cannot be written: ENOSPC[^\n]*\n$/);
});
