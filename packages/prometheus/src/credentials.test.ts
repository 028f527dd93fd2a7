import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { PrometheusClient } from "./client.ts";
import type { PrometheusServer } from "./credentials.ts";
import { numberAnswer, startAnswering } from "./testing/answering-server.ts";
import { CERTIFICATE, KEY } from "./testing/certificate.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-prometheus-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function clientOf(t: TestContext, server: PrometheusServer): PrometheusClient {
  const client = new PrometheusClient({ servers: [server] });
  t.after(() => client.close());
  return client;
}

const failureOf = async (client: PrometheusClient) =>
  client
    .number("a")
    .then(() => "answered")
    .catch(({ message }) => message as string);

test("a bearer token is given as it stands in the configuration, and as its file says now", async (t) => {
  const file = join(folderOf(t), "token");
  writeFileSync(file, "first\n");
  const server = await startAnswering(t, (_, response) => response.end(numberAnswer("1")));
  const sent = () => server.received.at(-1)?.headers.authorization;
  await clientOf(t, { url: server.url, bearerToken: "inline" }).number("a");
  assert.equal(sent(), "Bearer inline");
  const client = clientOf(t, { url: server.url, bearerTokenFile: file });
  await client.number("a");
  assert.equal(sent(), "Bearer first");
  writeFileSync(file, "second\n");
  await until(async () => {
    await client.number("a");
    return sent() === "Bearer second";
  });
});

test("a user is given with a password, inline or of a file", async (t) => {
  const passwordFile = join(folderOf(t), "password");
  writeFileSync(passwordFile, "from-file");
  const server = await startAnswering(t, (_, response) => response.end(numberAnswer("1")));
  const users = [
    { username: "u", password: "p:q" },
    { username: "u", passwordFile },
  ];
  for (const basicAuth of users) await clientOf(t, { url: server.url, basicAuth }).number("a");
  const sent = server.received.map(({ headers }) => Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString());
  assert.deepEqual(sent, ["u:p:q", "u:from-file"]);
});

test("a certificate of an authority that is named is believed, and no other one", async (t) => {
  const caFile = join(folderOf(t), "ca.pem");
  writeFileSync(caFile, CERTIFICATE);
  const server = await startAnswering(t, (_, response) => response.end(numberAnswer("3")), { cert: CERTIFICATE, key: KEY });
  assert.equal(await clientOf(t, { url: server.url, tls: { caFile } }).number("a"), 3);
  assert.match(await failureOf(clientOf(t, { url: server.url })), /PROMETHEUS_UNREACHABLE: .*self-signed certificate/);
  assert.match(
    await failureOf(clientOf(t, { url: server.url, tls: { caFile, serverName: "elsewhere" } })),
    /PROMETHEUS_UNREACHABLE: .*elsewhere/,
  );
});

test("our own certificate is shown to a server that asks for one, and a new one once its file has changed", async (t) => {
  const folder = folderOf(t);
  const [caFile, certFile, keyFile] = ["ca.pem", "cert.pem", "key.pem"].map((name) => join(folder, name)) as [string, string, string];
  for (const [file, text] of [
    [caFile, CERTIFICATE],
    [certFile, "not one yet"],
    [keyFile, KEY],
  ] as const)
    writeFileSync(file, text);
  const asks = { cert: CERTIFICATE, key: KEY, ca: CERTIFICATE, requestCert: true, rejectUnauthorized: true };
  const server = await startAnswering(t, (_, response) => response.end(numberAnswer("5")), asks);
  assert.match(await failureOf(clientOf(t, { url: server.url, tls: { caFile } })), /PROMETHEUS_UNREACHABLE/);
  const client = clientOf(t, { url: server.url, tls: { caFile, certFile, keyFile } });
  assert.match(await failureOf(client), /PROMETHEUS_UNREACHABLE/);
  writeFileSync(certFile, CERTIFICATE);
  assert.equal(await until(() => client.number("a").catch(() => undefined)), 5);
});

test("a file that cannot be read is named, with the reason in words; a pipe is not waited for", async (t) => {
  const folder = folderOf(t);
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const words = join(folder, "words");
  writeFileSync(words, "two\nlines");
  const cases: readonly (readonly [Omit<PrometheusServer, "url">, RegExp])[] = [
    [{ bearerTokenFile: join(folder, "none") }, /none does not exist/],
    [{ bearerTokenFile: folder }, /is a folder/],
    [{ bearerTokenFile: pipe }, /pipe is no file but a pipe/],
    [{ bearerTokenFile: words }, /words holds no token/],
    [{ tls: { certFile: "/dev/zero" } }, /\/dev\/zero is no file/],
    [{ basicAuth: { username: "u", passwordFile: join(folder, "none") } }, /none does not exist/],
  ];
  for (const [server, why] of cases) {
    const said = await failureOf(clientOf(t, { url: "http://127.0.0.1:1", ...server }));
    assert.match(said, /^PROMETHEUS_CREDENTIALS: http:\/\/127\.0\.0\.1:1: /);
    assert.match(said, why);
  }
});
