import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileFailure } from "@fenceline/api";
import { readConfig } from "./config.ts";
import { readTextFile } from "./read-text-file.ts";

test("T-50 a configuration that cannot be read says why in words, and what to do", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "file"), "");
  writeFileSync(join(folder, "dump"), Buffer.from([0xff, 0xfe, 0x00]));
  assert.equal(readConfig(join(folder, "file")).ageing.maxHosts, 1_000);
  writeFileSync(join(folder, "windows"), "\ufeffageing: {maxHosts: 7}\r\n");
  assert.equal(readConfig(join(folder, "windows")).ageing.maxHosts, 7);
  for (const [path, message] of [
    [join(folder, "none"), /^FILE_UNREADABLE: \S+\/none: does not exist \(see whether the path is right/],
    [folder, /^FILE_UNREADABLE: \S+: is a folder \(name a file in it\)$/],
    ["/dev/zero", /^FILE_UNREADABLE: \/dev\/zero: is larger than 1024 KiB$/],
    [join(folder, "dump"), /: is no UTF-8 text: save it as UTF-8$/],
    [join(folder, "file", "below"), /: does not exist: something above it is no folder/],
  ] as const)
    assert.throws(() => readConfig(path), { code: "FILE_UNREADABLE", message });
});

test("T-50 a file that may not be read names the user, and what the system says of a rare fault, or of a program, is kept", () => {
  assert.match(fileFailure(Object.assign(new Error("x"), { code: "EACCES" }), 65532).message, /^may not be read by user 65532$/);
  assert.deepEqual(fileFailure(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }), 1), {
    message: "EIO: i/o error",
    hint: undefined,
  });
  const spawn = Object.assign(new Error("spawn aws ENOENT"), { code: "ENOENT", syscall: "spawn aws" });
  assert.equal(fileFailure(spawn, 1).message, "spawn aws ENOENT");
  const listing = Object.assign(new Error("ENOTDIR"), { code: "ENOTDIR", syscall: "scandir" });
  assert.equal(fileFailure(listing, 1).message, "is no folder");
});

test("T-50 a pipe is read when its writer comes late or writes slowly, and one that nobody writes to is told instead of waited for", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  assert.throws(() => readTextFile(pipe, 1024), { message: /^gives nothing to read: it is a pipe or a device that nobody writes to$/ });
  const script = 'sleep 0.2; { printf "ageing: "; sleep 0.2; printf "{maxHosts: 9}"; } > "$0"';
  const writer = spawn("sh", ["-c", script, pipe], { stdio: "ignore" });
  const exit = once(writer, "exit");
  assert.equal(readConfig(pipe).ageing.maxHosts, 9);
  await exit;
});
