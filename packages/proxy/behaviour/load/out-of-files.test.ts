import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as pass } from "node:timers/promises";
import { call, openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const PRLIMIT = "/usr/bin/prlimit";
/** Files that the proxy has left about, and connections that are tried. */
const FILES = 10;
const TRIED = 80;

async function startProcess(t: TestContext, upstreamPort: number) {
  const module = new URL("../../src/testing/pool-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [module, String(upstreamPort)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  return { child, pid: child.pid ?? 0, port: Number(port) };
}

/** Processor time of a process so far, in ticks of 10 ms (proc(5), fields 14 and 15 of stat). */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return Number(fields[13]) + Number(fields[14]);
}

test("E1-25 out of file descriptors it neither crashes nor spins, says that the destination cannot be connected, and serves again when some are free", {
  skip: !existsSync(PRLIMIT) && "no prlimit here",
}, async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const { child, pid, port } = await startProcess(t, upstream.port);
  const limit = readdirSync(`/proc/${pid}/fd`).length + FILES;
  execFileSync(PRLIMIT, [`--pid=${pid}`, `--nofile=${limit}:${limit}`]);

  const closed = new Set<Socket>();
  const sockets: Socket[] = [];
  for (let i = 0; i < TRIED; i++) {
    const socket = await openSocket(port);
    sockets.push(socket.resume().on("close", () => closed.add(socket)));
  }
  while (closed.size === 0) await pass(5);
  const before = ticks(pid);
  // Nothing is to happen now, and it takes time to see that.
  await pass(500);
  assert.ok(ticks(pid) - before < 25, `${ticks(pid) - before} ticks`);
  assert.equal(child.exitCode, null);

  const held = sockets.find((socket) => !closed.has(socket));
  assert.ok(held);
  held.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  assert.match(await readUntil(held, "\r\n\r\n"), /^HTTP\/1\.1 502 .*fenceline-error: CONNECT_FAILED\r\n/s);

  for (const socket of sockets) socket.destroy();
  // The proxy hears of it a moment later.
  while (readdirSync(`/proc/${pid}/fd`).length > limit - FILES / 2) await pass(5);
  assert.equal((await call(port)).status, 200);
});
