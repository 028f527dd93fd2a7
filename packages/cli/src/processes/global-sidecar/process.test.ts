import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startDnsServer } from "@fenceline/proxy/testing/dns-server";
import { get, globalSidecarOn, startCommand, startCommandIn } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const OWN_NAME = "global-sidecar.fenceline.svc.cluster.local";

async function start(t: TestContext, ...flags: string[]) {
  return startIn(t, {}, ...flags);
}

async function startIn(t: TestContext, variables: Readonly<Record<string, string>>, ...flags: string[]) {
  const command = startCommandIn(variables, ...globalSidecarOn(), "--own-name", OWN_NAME, ...flags);
  undoAfter(t)(() => {
    command.kill("SIGKILL");
    return command.ended;
  });
  const started = await command.line(({ msg }) => msg === "global sidecar is up");
  return { command, started, port: Number(started.port), adminPort: Number(started.adminPort) };
}

test("T-50 health, readiness and metrics, with the version, are on a port of their own", async (t) => {
  const { adminPort } = await start(t);
  assert.equal((await get(adminPort, "/healthz")).status, 200);
  assert.equal((await get(adminPort, "/readyz")).status, 200);
  const { body } = await get(adminPort, "/metrics");
  assert.match(body, /^fenceline_proxy_requests_in_flight 0$/m);
  assert.match(body, /^fenceline_proxy_reporter_connected 0$/m);
  assert.match(body, /^fenceline_build_info\{.*version="\d+\.\d+\.\d+.*"\} 1$/m);
  assert.deepEqual(JSON.parse((await get(adminPort, "/api/v1/calls")).body), { calls: [] });
  assert.equal((await get(adminPort, "/else")).status, 404);
});

test("its own name and loopback addresses are refused", async (t) => {
  const { port } = await start(t);
  for (const [host, code] of [
    [OWN_NAME, "DESTINATION_IS_SELF"],
    ["127.0.0.1:9", "ADDRESS_REFUSED"],
  ] as const) {
    const { status, body } = await get(port, "/", { host });
    assert.deepEqual([status, JSON.parse(body).code], [421, code]);
  }
});

test("T-06 the addresses that the downward API gives as POD_IPS are refused by the command, beside those of its flags", async (t) => {
  const { port } = await startIn(t, { POD_IPS: "10.1.0.7,fd00::7" }, "--own-address", "10.1.0.8");
  for (const host of ["10.1.0.7", "10.1.0.7:18081", "[fd00:0::7]", "10.1.0.8:15000"]) {
    const { status, body } = await get(port, "/", { host, "fence-source": "test1/a" });
    assert.deepEqual([status, JSON.parse(body).code], [421, "DESTINATION_IS_SELF"], host);
  }
});

test("T-06 a POD_IPS that is no list of addresses is said at the start, and nothing is served", async () => {
  const { code, stderr } = await startCommandIn({ POD_IPS: "10.1.0.7,node-1" }, "global-sidecar", "--collector", "127.0.0.1:1").ended;
  assert.notEqual(code, 0);
  assert.match(stderr, /ENVIRONMENT_INVALID.*node-1/s);
});

test("T-01 T-02 every name of its own namespace, its own ports and its own addresses are refused by the command", async (t) => {
  const { port, adminPort } = await start(t, "--namespace", "mesh-tools", "--own-address", "10.1.0.7", "--own-address", "fd00::7");
  for (const host of [
    "fenceline-collector.mesh-tools:18081",
    "anything.MESH-TOOLS.svc.cluster.local.",
    "10.1.0.7:18081",
    "[fd00:0::7]",
    `127.0.0.1:${adminPort}`,
    `127.0.0.2:${adminPort}`,
    `127.0.0.1:${port}`,
  ]) {
    const { status, body } = await get(port, "/metrics", { host, "fence-source": "test1/a" });
    assert.deepEqual([status, JSON.parse(body).code], [421, "DESTINATION_IS_SELF"], host);
  }
});

/** The names resolve to loopback, so that whoever may call them is refused for their address. */
const PASSES = "ADDRESS_REFUSED";

/** What becomes of a fenced caller's call to each host, and which of them were looked up. */
async function externalCodes(t: TestContext, hosts: readonly string[], ...flags: string[]) {
  const dns = await startDnsServer(t);
  for (const host of hosts) dns.records.set(host, ["127.0.0.1"]);
  const { port } = await start(t, "--dns-server", dns.address, "--accept-plaintext", ...flags);
  const codes: Record<string, string> = {};
  for (const host of hosts) codes[host] = JSON.parse((await get(port, "/", { host, "fence-source": "test1/a" })).body).code;
  return { codes, lookedUp: hosts.filter((host) => dns.questions.some((question) => question.split(" ").includes(host))) };
}

test("T-05 with --external refuse the listed hosts pass, and no other host is even looked up", async (t) => {
  const hosts = ["www.partner.example", "api.example", "partner.example", "www.api.example", "www.else.example", "198.51.100.9"];
  const allow = ["--external-allow", "*.partner.example", "--external-allow", "api.example"];
  const { codes, lookedUp } = await externalCodes(t, hosts, "--external", "refuse", ...allow);
  assert.deepEqual(codes, {
    "www.partner.example": PASSES,
    "api.example": PASSES,
    "partner.example": "NO_SUCH_SERVICE",
    "www.api.example": "HOST_NOT_SERVED",
    "www.else.example": "HOST_NOT_SERVED",
    "198.51.100.9": "NO_SUCH_SERVICE",
  });
  assert.deepEqual(lookedUp.sort(), ["api.example", "www.partner.example"]);
});

test("T-05 with --external forward every host passes but the denied ones, by name and by address, and those that nobody may reach", async (t) => {
  const hosts = [
    "www.partner.example",
    "www.bad.example",
    "bad.example",
    "worse.example",
    "198.51.100.9",
    "2001:db8::1",
    "100.100.100.200",
  ];
  const deny = ["*.bad.example", "worse.example", "198.51.100.0/24", "2001:db8::/32"].flatMap((entry) => ["--external-deny", entry]);
  const bracketed = hosts.map((host) => (host.includes("::") ? `[${host}]` : host));
  const { codes, lookedUp } = await externalCodes(t, bracketed, "--external", "forward", ...deny);
  assert.deepEqual(codes, {
    "www.partner.example": PASSES,
    "www.bad.example": "EXTERNAL_REFUSED",
    "bad.example": PASSES,
    "worse.example": "EXTERNAL_REFUSED",
    "198.51.100.9": "EXTERNAL_REFUSED",
    "[2001:db8::1]": "EXTERNAL_REFUSED",
    "100.100.100.200": "ADDRESS_REFUSED",
  });
  assert.deepEqual(lookedUp.filter((host) => host.includes("example")).sort(), ["bad.example", "www.partner.example"]);
});

test("T-05 a wrong entry of external hosts is said at the start, and nothing is served", async () => {
  for (const flag of ["--external-allow", "--external-deny"]) {
    const { code, stderr } = await startCommand(...globalSidecarOn(), flag, "10.0.0.0/33").ended;
    assert.notEqual(code, 0, flag);
    assert.match(stderr, /EXTERNAL_INVALID.*10\.0\.0\.0\/33/s, flag);
  }
});

test("T-03 run by hand, it believes nobody, whatever certificate a caller writes, until a flag says whom", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set("www.partner.example", ["127.0.0.1"]);
  const external = ["--dns-server", dns.address, "--external-allow", "*.partner.example"];
  const forged = "Hash=1;URI=spiffe://cluster.local/ns/test1/sa/a";
  const cases = [
    [[], "nobody", false, false],
    [["--trust-forwarded-client-cert"], "certified", true, false],
    [["--accept-plaintext"], "all", true, true],
    [["--trust-forwarded-client-cert", "--accept-plaintext"], "certified or plaintext", true, true],
  ] as const;
  for (const [flags, believed, withCertificate, without] of cases) {
    const { port, started } = await start(t, ...external, ...flags);
    assert.equal(started.believed, believed);
    const isBelieved = async (headers: Readonly<Record<string, string>>) => {
      const { body } = await get(port, "/", { host: "www.partner.example", "fence-source": "test1/a", ...headers });
      const { code } = JSON.parse(body);
      // Whoever is believed may name it, and is refused for its address, which is one of loopback.
      assert.match(code, /^(EXTERNAL_REFUSED|ADDRESS_REFUSED)$/);
      return code === "ADDRESS_REFUSED";
    };
    const seen = [await isBelieved({ "x-forwarded-client-cert": forged }), await isBelieved({})];
    assert.deepEqual(seen, [withCertificate, without], believed);
  }
});

test("after SIGTERM it is not ready any more, still takes requests for the drain delay, and ends with exit code 0", async (t) => {
  const { command, port, adminPort } = await start(t, "--drain-delay", "1s");
  command.kill("SIGTERM");
  await command.line(({ msg }) => msg === "stopping");
  assert.equal((await get(adminPort, "/readyz")).status, 503);
  assert.equal((await get(port, "/", { host: OWN_NAME })).status, 421);
  assert.equal((await command.ended).code, 0);
});

test("several workers start, drain and end together, and the limits of the flags are theirs", async (t) => {
  const { command, port, adminPort } = await start(t, "--workers", "2", "--max-connections", "64", "--drain-delay", "0s");
  const metrics = (await get(adminPort, "/metrics")).body;
  assert.match(metrics, /^fenceline_proxy_workers 2$/m);
  assert.match(metrics, /^fenceline_proxy_workers_unresponsive 0$/m);
  const answers = await Promise.all(Array.from({ length: 16 }, () => get(port, "/", { host: OWN_NAME })));
  assert.ok(answers.every(({ status }) => status === 421));
  assert.match((await get(adminPort, "/metrics")).body, /^fenceline_proxy_requests_total\{outcome="DESTINATION_IS_SELF"\} 16$/m);
  command.kill("SIGTERM");
  assert.equal((await command.ended).code, 0);
});

test("a port that is taken, and numbers of workers that make no sense, are said and nothing is started", async (t) => {
  const { port } = await start(t);
  const taken = startCommand("global-sidecar", "--collector", "127.0.0.1:1", "--host", "127.0.0.1", "--port", String(port));
  assert.match((await taken.ended).stderr, /LISTEN_FAILED: cannot listen on 127\.0\.0\.1:/);
  for (const workers of ["0", "65", "two"]) {
    assert.match((await startCommand("global-sidecar", "--collector", "127.0.0.1:1", "--workers", workers).ended).stderr, /--workers/);
  }
});

test("E1-24 a second SIGTERM ends it at once, workers and all", async (t) => {
  const { command } = await start(t, "--drain-delay", "10m");
  command.kill("SIGTERM");
  await command.line(({ msg }) => msg === "stopping");
  // The same signal within half a second is npm's echo of the first one, so it is sent until it
  // counts.
  const again = setInterval(() => command.kill("SIGTERM"), 100);
  t.after(() => clearInterval(again));
  assert.equal((await command.ended).code, 143);
});
