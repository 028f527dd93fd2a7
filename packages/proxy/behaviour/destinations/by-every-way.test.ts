import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { until } from "@fenceline/api/testing";
import { ADDRESS_KIND } from "@fenceline/api/vocabulary";
import { AddressTable } from "../../src/destination/address-table.ts";
import { toAddress } from "../../src/resolve/resolver.ts";
import { openSession, readHttp2 } from "../../src/testing/http2.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { openUpgrade, upgradeRequest } from "../../src/testing/web-socket.ts";

const { SERVICE, ENDPOINT, NODE, API_SERVER } = ADDRESS_KIND;
const NAME = "b.test1.svc.cluster.local";

/** Comes one way, and resolves with the code of the refusal; that of TLS is an alert. */
type Way = (t: TestContext, port: number, authority: string) => Promise<unknown>;

const WAYS: Readonly<Record<string, Way>> = {
  async "HTTP/2"(t, port, authority) {
    const stream = openSession(t, port).request({ ":path": "/", ":authority": authority, "fence-source": "test1/a" });
    return (await readHttp2(stream)).headers["fenceline-error"];
  },
  async "an upgrade"(_t, port, authority) {
    const { socket, answer } = await openUpgrade(port, upgradeRequest().replace(/^Host: .*$/m, `Host: ${authority}`));
    socket.destroy();
    return /^fenceline-error: (\S+)/m.exec(answer)?.[1];
  },
  async "TLS pass-through"(_t, port) {
    const socket = tlsConnect({ port, host: "127.0.0.1", servername: NAME, rejectUnauthorized: false });
    const [error] = await once(socket, "error");
    return error.code;
  },
};

/** A proxy whose one service is at 127.0.0.1, where somebody listens who says nothing of sense. */
async function setUp(t: TestContext, { ownAddresses, mesh }: { readonly ownAddresses?: readonly string[]; readonly mesh?: AddressTable }) {
  const upstream = await startRawUpstream(t, (socket) => socket.end("?"));
  const { port } = upstream;
  const proxy = await startProxy(
    t,
    {},
    {
      resolver: { resolve: ({ host }) => [toAddress("127.0.0.1", port, host, `${NAME}:${port}`)] },
      tunnel: { tlsPort: port },
      ...(ownAddresses !== undefined && { ownAddresses }),
      ...(mesh !== undefined && { mesh }),
    },
  );
  const refusals = (code: string) => proxy.metric(`fenceline_proxy_requests_total{outcome="${code}"}`);
  return { upstream, proxy, refusals, port, authority: `${NAME}:${port}` };
}

const ALERT = "ERR_SSL_TLSV1_UNRECOGNIZED_NAME";

for (const [way, come] of Object.entries(WAYS)) {
  test(`T-06 an address of ours is refused by ${way}`, async (t) => {
    const { upstream, proxy, refusals, authority } = await setUp(t, { ownAddresses: ["127.0.0.1"] });
    const code = "DESTINATION_IS_SELF";
    assert.equal(await come(t, proxy.port, authority), way === "TLS pass-through" ? ALERT : code);
    assert.deepEqual([await refusals(code), upstream.connections()], [1, 0]);
  });

  for (const [what, kinds, isDeclared, code] of [
    ["a Service, on a port that it does not declare", SERVICE, false, "PORT_NOT_DECLARED"],
    ["a pod, on a port that no Service declares", ENDPOINT, false, "PORT_NOT_DECLARED"],
    ["a node", NODE, false, "ADDRESS_REFUSED"],
    ["a pod on its node's network, on another port of the node", NODE | ENDPOINT, false, "ADDRESS_REFUSED"],
    ["the API server", API_SERVER | ENDPOINT, true, "ADDRESS_REFUSED"],
    ["the API server's Service", API_SERVER | SERVICE, true, "ADDRESS_REFUSED"],
  ] as const) {
    test(`T-05 ${what}: ${code} by ${way}`, async (t) => {
      const mesh = new AddressTable();
      const { upstream, proxy, refusals, authority, port } = await setUp(t, { mesh });
      mesh.apply({
        reset: true,
        complete: true,
        addresses: [{ address: "127.0.0.1", kinds, ports: [isDeclared ? port : 1] }],
        removed: [],
      });
      assert.equal(await come(t, proxy.port, authority), way === "TLS pass-through" ? ALERT : code);
      assert.deepEqual([await refusals(code), upstream.connections()], [1, 0]);
    });
  }

  test(`T-05 a Service on a port that it declares is reached by ${way}`, async (t) => {
    const mesh = new AddressTable();
    const { upstream, proxy, authority, port } = await setUp(t, { mesh });
    mesh.apply({ reset: true, complete: true, addresses: [{ address: "127.0.0.1", kinds: SERVICE, ports: [port] }], removed: [] });
    void come(t, proxy.port, authority).catch(() => {});
    await until(() => upstream.connections() > 0);
  });
}
