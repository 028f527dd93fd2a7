import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { GrpcKind } from "../../pod-app/grpc/methods.ts";
import type { Report } from "../suite.ts";
import { untilDirect } from "./first-calls.ts";
import type { Scene } from "./scene.ts";

const NOT_FOUND = 5;
const CANCELLED = 1;
/** Milliseconds. */
const DEADLINE = 5_000;
/** Milliseconds after which the caller gives up on an answer that would take {@link LATE}. */
const CANCEL_AFTER = 300;
const LATE = 4_000;

/**
 * gRPC calls that do not end well: status, details and metadata arrive as they would directly, and
 * so does a caller's cancellation.
 */
export async function ends(report: Report, scene: Scene): Promise<void> {
  for (const kind of ["Unary", "ClientStreaming", "ServerStreaming", "Bidirectional"] as const)
    await report.step(`${kind}: status, details and trailing metadata of an error are the same by either way`, () =>
      sameError(scene, kind),
    );
  const target = scene.coldTarget();
  await report.step("by way of the fallback, a deadline reaches the callee, and so does a cancellation", () =>
    cancelCall(scene, target, FALLBACK_IDENTITY),
  );
  await report.step("directly, too", async () => {
    await untilDirect(scene, target);
    await cancelCall(scene, target, scene.caller.identity);
  });
}

async function sameError(scene: Scene, kind: GrpcKind): Promise<void> {
  const target = scene.coldTarget();
  const call = async () => {
    const { status, details, trailers, answers } = await scene.caller.app.grpc({ target, kind, ask: { status: NOT_FOUND, answers: 0 } });
    const { "x-peer": peer, "x-pod": pod, "x-messages": messages, "x-raw-bin": raw } = trailers;
    return { peer, rest: { status, details, pod, messages, raw, answers } };
  };
  const cold = await call();
  await untilDirect(scene, target);
  const direct = await call();
  assert.deepEqual([cold.peer, direct.peer], [FALLBACK_IDENTITY, scene.caller.identity]);
  assert.deepEqual(cold.rest, direct.rest);
  assert.deepEqual([direct.rest.status, direct.rest.pod], [NOT_FOUND, "protocols/b"]);
}

/**
 * How many calls the callee has seen cancelled, it says at the end of any other call. No deadline
 * is let pass: the callee's gRPC cuts the call then, too, and which of the two clocks is first
 * decides between the statuses 4 and 13, with a fence or without.
 */
async function cancelCall({ lab, caller: { app } }: Scene, target: string, peer: string): Promise<void> {
  const { trailers } = await app.grpc({ target, kind: "Unary", deadline: DEADLINE });
  assert.equal(trailers["x-peer"], peer);
  const left = Number(trailers["x-deadline"]);
  assert.ok(left > DEADLINE / 2 && left <= DEADLINE, `the callee thinks that there are ${left} ms left`);
  const { status } = await app.grpc({ target, kind: "Unary", ask: { delay: LATE }, cancelAfter: CANCEL_AFTER });
  assert.equal(status, CANCELLED);
  const cancelled = async () => Number((await app.grpc({ target, kind: "Unary" })).trailers["x-cancelled"]);
  await lab.until("the callee to hear of it", async () => (await cancelled()) > Number(trailers["x-cancelled"]), { timeout: LATE / 2 });
}
