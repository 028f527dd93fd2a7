import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { GrpcKind } from "../../pod-app/grpc/methods.ts";
import type { Report } from "../suite.ts";
import { untilDirect } from "./first-calls.ts";
import type { Scene } from "./scene.ts";

const NOT_FOUND = 5;
const DEADLINE_EXCEEDED = 4;
/** Milliseconds: the deadline of a call whose answer would take {@link LATE}. */
const DEADLINE = 500;
const LATE = 8_000;

/** gRPC calls that do not end well: status, details and metadata arrive as they would directly, and so does the end of a caller's patience. */
export async function ends(report: Report, scene: Scene): Promise<void> {
  for (const kind of ["Unary", "ClientStreaming", "ServerStreaming", "Bidirectional"] as const)
    await report.step(`${kind}: status, details and trailing metadata of an error are the same by either way`, () =>
      sameError(scene, kind),
    );
  await report.step("a deadline reaches the callee by either way, and so does its passing", async () => {
    const target = scene.coldTarget();
    await passDeadline(scene, target, FALLBACK_IDENTITY);
    await untilDirect(scene, target);
    await passDeadline(scene, target, scene.caller.identity);
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

/** How many calls the callee has seen cancelled, it says at the end of any other call. */
async function passDeadline(scene: Scene, target: string, peer: string): Promise<void> {
  const { app } = scene.caller;
  const seen = await app.grpc({ target, kind: "Unary", deadline: DEADLINE * 10 });
  const left = Number(seen.trailers["x-deadline"]);
  assert.equal(seen.trailers["x-peer"], peer);
  assert.ok(left > 0 && left <= DEADLINE * 10, `the callee thinks that there are ${left} ms`);
  const before = Number(seen.trailers["x-cancelled"]);
  const { status, took } = await app.grpc({ target, kind: "Unary", deadline: DEADLINE, ask: { delay: LATE } });
  assert.equal(status, DEADLINE_EXCEEDED);
  assert.ok(took < LATE / 2, `it took ${took} ms`);
  await scene.lab.until("the callee to hear that nobody waits any more", async () => {
    const { trailers } = await app.grpc({ target, kind: "Unary" });
    return Number(trailers["x-cancelled"]) > before;
  });
}
