import assert from "node:assert/strict";
import type { Lab } from "../../lab/lab.ts";
import type { OpenConnection } from "../../lab/pod/app.ts";
import type { HttpAnswer } from "../../pod-app/protocol.ts";
import { untilDirect } from "../mesh/fence.ts";
import { type Caller, hostOf, SLOW, STREAM, STREAM_PORT, shown, untilLearned, urlOf, WINDOW } from "./mesh.ts";

/** Milliseconds that the long request takes. */
const DURATION = 6 * WINDOW;

/**
 * A request and a connection that last for several windows, and of which nothing is heard
 * meanwhile.
 */
export interface LongUse {
  readonly answer: Promise<HttpAnswer>;
  readonly connection: OpenConnection;
  isAnswered: boolean;
}

/** Begins both, once the callee is learned and the path is direct. */
export async function beginLongUse(lab: Lab, caller: Caller): Promise<LongUse> {
  const { app } = caller;
  const tcp = { host: hostOf(STREAM), port: STREAM_PORT };
  await untilDirect(lab, caller, urlOf(SLOW));
  // With `tcp: learn` the first connections fail in a STRICT mesh.
  await lab.until("a TCP answer", async () => (await app.connect({ ...tcp, send: "ping", timeout: 1_000 })) === "ping");
  await untilLearned(lab, caller, [SLOW, STREAM]);
  const connection = await app.open(tcp);
  assert.equal(await connection.exchange("first"), "first");
  const use: LongUse = {
    connection,
    isAnswered: false,
    answer: app.call({ url: `${urlOf(SLOW)}?delay=${DURATION}`, timeout: 2 * DURATION }).finally(() => {
      use.isAnswered = true;
    }),
  };
  // Should the suite fail before it waits for the answer.
  use.answer.catch(() => {});
  return use;
}

/** Both go on, and their hosts are in the Sidecar. */
export async function requireLongUse(lab: Lab, caller: Caller, { isAnswered }: LongUse): Promise<void> {
  const hosts = await shown(lab, caller);
  assert.deepEqual([isAnswered, hosts.has(SLOW), hosts.has(STREAM)], [false, true, true]);
}

/** Waits for the answer, uses the connection once more, and closes it. */
export async function endLongUse(caller: Caller, { answer, connection }: LongUse): Promise<void> {
  const { status, body } = await answer;
  assert.equal(status, 200, `${caller.name}'s long request: ${JSON.stringify(body)}`);
  assert.equal(await connection.exchange("last"), "last");
  await connection.close();
}
