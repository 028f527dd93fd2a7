import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { kubeConfigLoader } from "./load-kube-config.ts";

test("T-50 a kubeconfig that is not there, cannot be read or names no cluster is told with what to do", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-kubeconfig-"));
  const before = process.env.KUBECONFIG;
  t.after(() => {
    if (before === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = before;
    rmSync(folder, { recursive: true });
  });
  const missing = join(folder, "none");
  await assert.rejects(async () => (await kubeConfigLoader(missing))(), {
    message: /^cannot read the kubeconfig '.*none': does not exist \(see whether/,
  });
  process.env.KUBECONFIG = missing;
  await assert.rejects(async () => (await kubeConfigLoader())(), { message: /^cannot read the kubeconfig '.*none': does not exist/ });
  await assert.rejects(async () => (await kubeConfigLoader("/dev/zero"))(), {
    message: /'\/dev\/zero': is no file but a pipe, a socket or a device/,
  });
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  await assert.rejects(async () => (await kubeConfigLoader(pipe))(), { message: /pipe': is no file but a pipe/ });
  process.env.KUBECONFIG = `:${pipe}:/dev/zero`;
  await assert.rejects(async () => (await kubeConfigLoader())(), { message: /pipe': is no file but a pipe/ });
  const text = join(folder, "text");
  writeFileSync(text, "]: no YAML");
  await assert.rejects(async () => (await kubeConfigLoader(text))(), { message: /^cannot read the kubeconfig '.*text': / });
  const empty = join(folder, "empty");
  writeFileSync(empty, "apiVersion: v1\nkind: Config\n");
  await assert.rejects(async () => (await kubeConfigLoader(empty))(), { message: /names no current cluster.*use-context/ });
});

test("T-50 without any configuration the user is told where it was looked for, and not of plain HTTP", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-kubeconfig-"));
  const before = { HOME: process.env.HOME, KUBECONFIG: process.env.KUBECONFIG };
  t.after(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true });
  });
  process.env.HOME = folder;
  delete process.env.KUBECONFIG;
  await assert.rejects(async () => (await kubeConfigLoader())(), { message: /no cluster is configured: no \$KUBECONFIG.*--kubeconfig/ });
});
