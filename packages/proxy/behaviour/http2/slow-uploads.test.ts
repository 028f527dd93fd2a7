import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { callHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/** Node's own limit to what a session holds is not what these peers are about. */
const NO_LIMIT = { maxSessionMemory: 1_000_000 };
const UPLOADS = 900;

test("T-32 nine hundred slow uploads at a time fit one connection", async (t) => {
  const arrived: (() => void)[] = [];
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      arrived.push(() => stream.resume().on("end", () => stream.respond({}, { endStream: true })));
      // It reads when all are there.
      if (arrived.length === UPLOADS) for (const read of arrived) read();
    },
    { ...NO_LIMIT, settings: { initialWindowSize: 1_000 } },
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = connect(`http://127.0.0.1:${proxy.port}`, NO_LIMIT);
  t.after(() => session.destroy());

  const answers = await Promise.all(
    Array.from({ length: UPLOADS }, () => callHttp2(session, { ":method": "POST" }, Buffer.alloc(100_000))),
  );

  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(upstream.sessions.length, 1);
});
