import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { monotonicClock } from "../clock.ts";
import { Credentials } from "./credentials.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Credentials of a kubeconfig that names the given files and programs. */
function credentials(cluster: object, user: object): Credentials {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "c", server: "https://127.0.0.1:1", ...cluster }],
    users: [{ name: "u", ...user }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  return new Credentials(() => config, monotonicClock);
}

test("T-50 a certificate, key or token of the kubeconfig that cannot be read is named, with the reason in words and what to do", async (t) => {
  const folder = folderOf(t);
  const missing = join(folder, "none.crt");
  for (const [cluster, user] of [
    [{ caFile: missing }, {}],
    [{}, { certFile: missing }],
    [{}, { keyFile: missing }],
    [{}, { authProvider: { name: "tokenFile", config: { tokenFile: missing } } }],
  ] as const)
    await assert.rejects(credentials(cluster, user).access(), {
      message: `cannot read ${missing} that the kubeconfig names: does not exist (see whether the path is right, and whether it is mounted)`,
    });
  await assert.rejects(credentials({ caFile: folder }, {}).access(), { message: /that the kubeconfig names: is a folder/ });
});

test("T-50 a certificate, key or token that is a device or a pipe is refused, not read without an end or waited for", async (t) => {
  const pipe = join(folderOf(t), "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const file of [pipe, "/dev/zero"])
    for (const [cluster, user] of [
      [{ caFile: file }, {}],
      [{}, { certFile: file }],
      [{}, { keyFile: file }],
      [{}, { authProvider: { name: "tokenFile", config: { tokenFile: file } } }],
    ] as const)
      await assert.rejects(credentials(cluster, user).access(), {
        message: `cannot read ${file} that the kubeconfig names: is no file but a pipe, a socket or a device: save it as a file`,
      });
});

test("T-50 a program of the kubeconfig that is not there is told as such, and not as a file", async (t) => {
  const command = join(folderOf(t), "no-such-program");
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command, interactiveMode: "Never" };
  await assert.rejects(credentials({}, { exec }).access(), { message: /no-such-program/ });
});
