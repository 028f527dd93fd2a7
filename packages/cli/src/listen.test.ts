import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { callAddress, EVERY_ADDRESS, listenAddress } from "./listen.ts";
import { runToEnd } from "./testing/fenceline-process.ts";

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("T-50 a port in use is told in one way by every command and for every port, with the flag that changes it", async (t) => {
  const port = String(await takenPort(t));
  const folder = mkdtempSync(join(tmpdir(), "fenceline-listen-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const commands: Readonly<Record<string, readonly (readonly [string, readonly string[]])[]>> = {
    standalone: [
      ["--proxy-port", ["--als-port", "0", "--api-port", "0"]],
      ["--als-port", ["--proxy-port", "0", "--api-port", "0"]],
      ["--api-port", ["--als-port", "0", "--proxy-port", "0"]],
    ],
    collector: [
      ["--als-port", ["--api-port", "0"]],
      ["--api-port", ["--als-port", "0"]],
    ],
    "global-sidecar": [
      ["--port", ["--admin-port", "0"]],
      ["--admin-port", ["--port", "0"]],
    ],
  };
  const more: Readonly<Record<string, readonly string[]>> = {
    standalone: ["--dir", folder],
    collector: ["--kubeconfig", join(folder, "none")],
    "global-sidecar": ["--collector", "127.0.0.1:1"],
  };
  for (const [command, ports] of Object.entries(commands)) {
    for (const [flag, others] of ports) {
      const args = [command, "--host", "127.0.0.1", flag, port, ...others, ...(more[command] ?? [])];
      const { code, stdout, stderr } = await runToEnd(args);
      const told = `LISTEN_FAILED: cannot listen on 127.0.0.1:${port}: the port is in use (stop what uses it, or choose another port with ${flag}; 0 takes a free one)\n`;
      assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: told });
    }
  }
});

test("T-50 an address that is not ours and a name that nobody knows name --host", async () => {
  const ports = [{ flag: "--port", port: 0 }];
  await assert.rejects(listenAddress("192.0.2.1", ports), {
    code: "LISTEN_FAILED",
    hint: /--host/,
    message: /192\.0\.2\.1:0: no interface/,
  });
  await assert.rejects(listenAddress("nobody.invalid", ports), { code: "LISTEN_FAILED", hint: /--host/, message: /nobody\.invalid/ });
  await assert.rejects(listenAddress("127.0.0.1:80", ports), { code: "LISTEN_FAILED", hint: /--host/ });
});

test("T-50 an address to which nobody can connect, or that needs its interface, is refused with the reason", async () => {
  const ports = [{ flag: "--port", port: 0 }];
  for (const [host, reason] of [
    ["255.255.255.255", /255\.255\.255\.255:0: it is the broadcast address/],
    ["224.0.0.1", /it is a multicast address/],
    ["239.255.255.255", /it is a multicast address/],
    ["[ff02::1]", /it is a multicast address/],
    ["::ffff:224.0.0.1", /it is a multicast address/],
    ["fe80::1", /a link-local address needs its interface, for example fe80::1%eth0/],
    ["FEBF::1", /a link-local address needs its interface/],
  ] as const)
    await assert.rejects(listenAddress(host, ports), { code: "LISTEN_FAILED", message: reason, hint: /--host/ }, host);
});

test("T-50 two flags that name one port are found before anything listens", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  t.diagnostic(`port ${port}`);
  const both = [
    { flag: "--proxy-port", port },
    { flag: "--api-port", port },
  ];
  await assert.rejects(listenAddress("127.0.0.1", both), {
    code: "LISTEN_FAILED",
    message: /--proxy-port and --api-port name the same port/,
    hint: /--api-port/,
  });
  assert.equal(await listenAddress("127.0.0.1", [{ flag: "--port", port }]), "127.0.0.1");
});

test("T-50 a name and a bracketed address are turned into the one address that everything listens on", async () => {
  assert.ok(["127.0.0.1", "::1"].includes(await listenAddress("localhost", [{ flag: "--port", port: 0 }])));
  assert.equal(await listenAddress("[::1]", []), "::1");
});

test("T-50 who listens on every address is called on loopback", () => {
  assert.deepEqual(["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::1", "127.0.0.2"].map(callAddress), [
    "127.0.0.1",
    "::1",
    "::1",
    "::1",
    "127.0.0.2",
  ]);
});

test("issue 16: who listens on every address is reached by both families, and one that IPv4 has is told as taken", async (t) => {
  const port = await takenPort(t);
  assert.equal(await listenAddress(EVERY_ADDRESS, [{ flag: "--port", port: 0 }]), "::");
  await assert.rejects(listenAddress(EVERY_ADDRESS, [{ flag: "--port", port }]), {
    code: "LISTEN_FAILED",
    message: /in use/,
    hint: /--port/,
  });
});
