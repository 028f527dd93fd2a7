/**
 * Each answer of the table is given to our proxy and to a real Envoy by the same destination. Who
 * differs has a reason.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { toAddress } from "../src/resolve/resolver.ts";
import { call } from "../src/testing/client.ts";
import { startProxy } from "../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../src/testing/upstream.ts";
import { ANSWER_CASES } from "./answer-cases.ts";
import { startEnvoyTo } from "./servers.ts";

const envoy = toolPath("envoy");
const skip = envoy === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it";

/** Answers a request for `/n` with the bytes of case n. */
function answerByCase(socket: Socket): void {
  socket.on("data", (request) => {
    const number = /^GET \/(\d+) /.exec(request.toString("latin1"))?.[1];
    const known = ANSWER_CASES[Number(number)];
    if (known !== undefined) socket.write(known.bytes, "latin1");
  });
}

/** Whether a caller gets the answer whole. */
async function isServed(port: number, number: number): Promise<boolean> {
  try {
    const { status, body } = await call(port, { path: `/${number}` });
    return status === 200 && body.toString() === "hello";
  } catch {
    return false;
  }
}

test("answers well-formed and not", async (t) => {
  const upstream = await startRawUpstream(t, answerByCase);
  const addresses = [toAddress("127.0.0.1", upstream.port)];
  const proxy = await startProxy(t, {}, { resolver: { resolve: () => addresses } });
  const envoyPort = envoy === undefined ? undefined : await startEnvoyTo(t, envoy, upstream.port);

  for (const [number, { name, served, unlikeEnvoy }] of ANSWER_CASES.entries()) {
    await t.test(`T-37 T-41 T-42 ${name}: ${served ? "served" : "refused"}`, async () => {
      assert.equal(await isServed(proxy.port, number), served);
    });
    await t.test(`${unlikeEnvoy === undefined ? "as by Envoy" : `unlike by Envoy: ${unlikeEnvoy}`}: ${name}`, { skip }, async () => {
      assert.equal(await isServed(envoyPort ?? assert.fail(), number), unlikeEnvoy === undefined ? served : !served);
    });
  }
});

test("the answers have names of their own", () => {
  assert.equal(new Set(ANSWER_CASES.map(({ name }) => name)).size, ANSWER_CASES.length);
});
