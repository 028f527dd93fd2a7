import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { PrometheusClient, type PrometheusClientOptions } from "./client.ts";
import { quoted } from "./quoted.ts";
import { CERTIFICATE, KEY } from "./testing/certificate.ts";
import { Exporter } from "./testing/exporter.ts";
import { PROMETHEUS_MISSING, startPrometheus } from "./testing/prometheus.ts";

const skip = PROMETHEUS_MISSING;

function clientOf(t: TestContext, options: PrometheusClientOptions): PrometheusClient {
  const client = new PrometheusClient(options);
  t.after(() => client.close());
  return client;
}

const codeOf = async (work: Promise<unknown>) => work.then(() => "answered").catch(({ code }) => code as string);

test("a real Prometheus scrapes, and its numbers come back: labels with anything in them, NaN and infinities", { skip }, async (t) => {
  const exporter = await Exporter.start(t);
  const odd = 'quote " backslash \\ and a\nline feed';
  exporter.add("calls_total", { host: odd }, 3);
  exporter.set("nothing", {}, Number.NaN);
  exporter.set("everything", {}, Number.NEGATIVE_INFINITY);
  const client = clientOf(t, { servers: [await startPrometheus(t, { targets: [exporter.target] })] });
  const found = await until(async () => {
    const { samples } = await client.query(`calls_total{host=${quoted(odd)}}`);
    return samples[0];
  });
  assert.deepEqual([found.labels.host, found.value], [odd, 3]);
  assert.ok(Math.abs(found.at - Date.now()) < 60_000);
  assert.ok(Number.isNaN((await client.query("nothing")).samples[0]?.value));
  assert.deepEqual(
    [(await client.query("everything")).samples[0]?.value, await client.number("everything")],
    [Number.NEGATIVE_INFINITY, undefined],
  );
  assert.deepEqual([await client.number("1 + 1"), await client.number("sum(no_such_metric)")], [2, undefined]);
});

test("what a real Prometheus says of a bad query, of one that fails and of a path that is wrong has a code", { skip }, async (t) => {
  const exporter = await Exporter.start(t);
  exporter.add("calls_total", { a: "1", b: "1" });
  exporter.add("calls_total", { a: "1", b: "2" });
  const { url } = await startPrometheus(t, { targets: [exporter.target] });
  const client = clientOf(t, { servers: [{ url }] });
  await until(async () => (await client.number("count(calls_total)")) === 2);
  assert.equal(await codeOf(client.query("sum(")), "PROMETHEUS_BAD_DATA");
  assert.equal(await codeOf(client.query("calls_total * on (a) calls_total")), "PROMETHEUS_EXECUTION");
  assert.equal(await codeOf(client.query("calls_total[5m]")), "PROMETHEUS_ANSWER_INVALID");
  assert.equal(await codeOf(clientOf(t, { servers: [{ url: `${url}/prefix` }] }).query("up")), "PROMETHEUS_REFUSED");
});

test("a real Prometheus that asks for a certificate and a user lets us in with both", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-prometheus-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certFile, CERTIFICATE);
  writeFileSync(keyFile, KEY);
  const { url } = await startPrometheus(t, {
    web: {
      files: { "cert.pem": CERTIFICATE, "key.pem": KEY },
      config: {
        tls_server_config: {
          cert_file: "cert.pem",
          key_file: "key.pem",
          client_ca_file: "cert.pem",
          client_auth_type: "RequireAndVerifyClientCert",
        },
        // Of the password `test`, as in Prometheus' own documents.
        basic_auth_users: { admin: "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay" },
      },
    },
  });
  const secure = url.replace("http://", "https://");
  const basicAuth = { username: "admin", password: "test" };
  const tls = { caFile: certFile, certFile, keyFile };
  const client = clientOf(t, { servers: [{ url: secure, basicAuth, tls }] });
  assert.equal(await until(() => client.number("vector(1)").catch(() => undefined)), 1);
  const without = [
    { url: secure, tls },
    { url: secure, basicAuth, tls: { caFile: certFile } },
  ].map((server) => codeOf(clientOf(t, { servers: [server] }).number("vector(1)")));
  assert.deepEqual(await Promise.all(without), ["PROMETHEUS_UNAUTHORIZED", "PROMETHEUS_UNREACHABLE"]);
});

test("a Prometheus that is restarted answers again", { skip }, async (t) => {
  const prometheus = await startPrometheus(t);
  const client = clientOf(t, { servers: [prometheus] });
  assert.equal(await client.number("vector(1)"), 1);
  await prometheus.stop();
  assert.equal(await codeOf(client.number("vector(1)")), "PROMETHEUS_UNREACHABLE");
  await prometheus.start();
  assert.equal(await client.number("vector(1)"), 1);
});
