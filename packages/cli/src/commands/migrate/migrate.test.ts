import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

const SLIME_BOOT = `
apiVersion: config.netease.com/v1alpha1
kind: SlimeBoot
metadata: {name: lazyload, namespace: mesh-operator}
spec:
  istioNamespace: istio-control
  replicaCount: 3
  image: {repository: registry.example/lazyload}
  module:
  - name: lazyload
    kind: lazyload
    enable: true
    general:
      autoFence: true
      wormholePort: ["9080"]
      clusterGsNamespace: mesh-operator
      dispatches: [{name: partner, domains: ["*.partner.example"], cluster: PassthroughCluster}]
    global: {service: workload, log: {logLevel: trace}, misc: {aux-addr: ":8081"}}
    metric: {prometheus: {address: "http://prometheus.istio-system:9090"}}
  - {name: off, kind: limiter, enable: false}
  component:
    globalSidecar:
      replicas: 4
      port: 8088
      sidecarInject: {labels: {sidecar.istio.io/inject: "true", team: mesh}}
      resources: {limits: {memory: 400Mi}}
`;

const VALUES = {
  config: {
    istioNamespace: "istio-control",
    fallback: { port: 8088, dispatches: [{ name: "partner", domains: ["*.partner.example"], cluster: "PassthroughCluster" }] },
    automaticFences: { create: "Labelled" },
    telemetry: { prometheus: { servers: [{ url: "http://prometheus.istio-system:9090" }] } },
    workloadLabel: "workload",
  },
  collector: { replicas: 3 },
  globalSidecar: { replicas: 4, autoscaling: { enabled: false }, ports: [8088], podLabels: { team: "mesh" } },
  log: { level: "debug" },
};

function migrate(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "migrate", ...args], { input, encoding: "utf8" });
  return { status, stdout, stderr, lines: stderr.trim().split("\n") };
}

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-migrate-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "slimeboot.yaml");
  writeFileSync(file, text);
  return file;
}

test("issue 16: the settings of a SlimeBoot are values of our chart, and each that has no effect has a line", (t) => {
  const file = fileOf(t, SLIME_BOOT);
  const { status, stdout, lines } = migrate(["-f", file]);
  assert.equal(status, 0);
  assert.deepEqual(parse(stdout), VALUES);
  assert.deepEqual(
    lines.map((line) => line.replace(`${file}: `, "").split(" has no effect: ")[0]),
    [
      "spec.image",
      "spec.component.globalSidecar.resources",
      "spec.module[0].general.wormholePort",
      "spec.module[0].general.clusterGsNamespace",
      "spec.module[0].global.misc.aux-addr",
      "spec.module[1]",
    ],
  );
  assert.deepEqual(migrate(["-f", "-"], SLIME_BOOT).stdout.replace(/^#.*\n/, ""), stdout.replace(/^#.*\n/, ""));
});

test("issue 16: a module is read from the ConfigMap of Slime's process, too, and what another says before it counts", () => {
  const cfg = JSON.stringify({ name: "lazyload", kind: "lazyload", enable: true, general: { autoFence: true, defaultFence: true } });
  const other = JSON.stringify({ name: "other", kind: "lazyload", enable: true, general: { autoFence: false } });
  const map = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "lazyload" },
    data: { cfg, cfg_other: other, x: "y" },
  });
  const { status, stdout, stderr } = migrate(["-f", "-"], map);
  assert.equal(status, 0);
  assert.deepEqual(parse(stdout), { config: { automaticFences: { create: "All" } } });
  assert.match(stderr, /config\.automaticFences\.create has no effect/);
});

test("issue 17: the metrics of a limiter are values that every limiter may use", () => {
  const handlers = { "cpu.max": { query: 'max(cpu{pod=~"$pod_name"})' } };
  const metric = { prometheus: { address: "http://prometheus:9090", handlers } };
  const module = { name: "limiter", kind: "limiter", enable: true, general: { disableAdaptive: false }, metric };
  const boot = { apiVersion: "config.netease.com/v1alpha1", kind: "SlimeBoot", metadata: { name: "a" }, spec: { module: [module] } };
  const { status, stdout } = migrate(["-f", "-"], JSON.stringify(boot));
  assert.equal(status, 0);
  assert.deepEqual(parse(stdout), {
    config: { telemetry: { prometheus: { servers: [{ url: "http://prometheus:9090" }] } }, limiters: { metrics: handlers } },
  });
});

for (const [what, text, message] of [
  [
    "that our configuration does not take",
    SLIME_BOOT.replace("port: 8088", "port: eighty"),
    /spec\.component\.globalSidecar\.port: .*eighty/,
  ],
  ["that is no YAML", "kind: {", /SLIME_SETTINGS_INVALID/],
  ["that holds nothing of Slime", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", /left alone: Service.*no settings of Slime/s],
] as const)
  test(`issue 16: of something ${what} nothing is printed, and the exit code is 1`, () => {
    const { status, stdout, stderr } = migrate(["-f", "-"], text);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, message);
  });
