import { connect } from "node:net";
import { test } from "node:test";
import { FLAG, FrameSocket, frame, PREFACE, TYPE, uint32 } from "../../src/testing/frames.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/** A client that never closes its side, whatever it is told. */
function openAndStay(port: number): FrameSocket {
  const client = new FrameSocket(connect({ port, host: "127.0.0.1", allowHalfOpen: true }), 0);
  client.send(PREFACE, frame(TYPE.SETTINGS, FLAG.NONE, 0));
  return client;
}

test("T-35 a client that stays after GOAWAY holds up no drain", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  const client = openAndStay(proxy.port);
  t.after(() => client.socket.destroy());
  await client.expect(TYPE.SETTINGS);

  await proxy.sidecar.close({ deadline: 60_000 });
});

test("T-35 at the deadline of a drain its connection is cut", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  const client = openAndStay(proxy.port);
  t.after(() => client.socket.destroy());
  await client.expect(TYPE.SETTINGS);

  await proxy.sidecar.close({ deadline: 1 });
});

test("T-35 a client that says GOAWAY and stays loses its connection soon after its last stream", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  const client = openAndStay(proxy.port);
  t.after(() => client.socket.destroy());
  await proxy.until("fenceline_proxy_connections", 1);

  client.send(frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(0), uint32(2)])));

  await proxy.until("fenceline_proxy_connections", 0);
});
