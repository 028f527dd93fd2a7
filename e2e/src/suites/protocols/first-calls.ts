import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { GrpcKind } from "../../pod-app/grpc/methods.ts";
import type { GrpcAnswer, GrpcCall, LoadReport } from "../../pod-app/protocol.ts";
import { failuresOf, loadUntilDirect, timeToDirect } from "../mesh/fence.ts";
import { percentile, sum } from "../mesh/figures.ts";
import type { Report } from "../suite.ts";
import type { Scene } from "./scene.ts";

const KINDS: readonly GrpcKind[] = ["Unary", "ClientStreaming", "ServerStreaming", "Bidirectional"];
const UNFENCED_CALLS = 12;
const FIRST_CALLS = 40;
const SWITCH_OVERS = 12;
/** The second is more than any hop buffers, and several windows of HTTP/2's flow control. */
const MESSAGE_BYTES = [10, 1_000_000];
/** Bytes of every value, to see that metadata of bytes stay what they are. */
const RAW = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte)).toString("base64");

/** gRPC without a fence, for what comes later to be compared with. */
export async function unfencedCalls(report: Report, scene: Scene): Promise<void> {
  const calls = Array.from({ length: UNFENCED_CALLS }, (_, index) => nthCall(scene.coldTarget(), index));
  await report.step("without a fence, gRPC calls of each kind are answered whole", () =>
    callAll(report, scene, calls, scene.caller.identity, "call without a fence"),
  );
}

/**
 * Cold gRPC hosts: the first call of each kind succeeds by way of the fallback, and the next ones
 * go direct without a loss.
 */
export async function firstCalls(report: Report, scene: Scene): Promise<void> {
  const calls = Array.from({ length: FIRST_CALLS }, (_, index) => nthCall(scene.coldTarget(), index));
  await report.step(
    `${FIRST_CALLS} first gRPC calls of ${KINDS.length} kinds: each goes by way of the fallback and is answered whole`,
    () => callAll(report, scene, calls, FALLBACK_IDENTITY, "first call"),
  );
  await report.step("all of these hosts become direct, for every kind: the callee sees the caller itself", async () => {
    for (const { target } of calls) await untilDirect(scene, target);
    await callAll(report, scene, calls, scene.caller.identity, "direct call");
  });
  const loads: LoadReport[] = [];
  await report.step(`${SWITCH_OVERS} cold hosts, each called up to 200 times a second until it is direct: no call fails`, async () => {
    for (let count = 0; count < SWITCH_OVERS; count++)
      loads.push(await loadUntilDirect(scene.lab, scene.caller, { target: scene.coldTarget(), kind: "Unary" }, { interval: 5 }));
    assert.equal(sum(loads.map(({ failed }) => failed)), 0, failuresOf(loads, scene.caller));
  });
  const times = loads.map((load) => timeToDirect(load, scene.caller));
  report.figure("gRPC calls in switch-overs", sum(loads.map(({ sent }) => sent)));
  report.figure("first gRPC call → first direct one, p50 (goal 250)", percentile(times, 0.5), "ms");
  report.figure("first gRPC call → first direct one, longest (goal 500)", percentile(times, 1), "ms");
}

/** Kinds and lengths take turns. */
function nthCall(target: string, index: number): GrpcCall {
  const kind = KINDS[index % KINDS.length] ?? "Unary";
  const streams = kind === "ClientStreaming" || kind === "Bidirectional";
  const bytes = MESSAGE_BYTES[Math.floor(index / KINDS.length) % MESSAGE_BYTES.length] ?? 0;
  return { target, kind, messages: streams ? 5 : 1, bytes };
}

async function callAll(report: Report, { caller }: Scene, calls: readonly GrpcCall[], peer: string, title: string): Promise<void> {
  const faults: string[] = [];
  const times = new Map<GrpcKind, number[]>(KINDS.map((kind) => [kind, []]));
  for (const call of calls) {
    const answer = await caller.app.grpc(call);
    const fault = faultOf(call, answer, peer);
    if (fault !== undefined) faults.push(`${call.kind} ${call.target} of ${call.bytes} bytes: ${fault}`);
    // Long messages would say how fast the machine is.
    if (call.bytes === MESSAGE_BYTES[0]) times.get(call.kind)?.push(answer.took);
  }
  for (const [kind, took] of times) report.figure(`${kind}, ${title}, p50`, percentile(took, 0.5), "ms");
  assert.deepEqual(faults, []);
}

/** What is wrong with the answer; undefined when nothing is. */
function faultOf({ target, kind, messages = 1, bytes = 0 }: GrpcCall, answer: GrpcAnswer, peer: string): string | undefined {
  const { status, details, trailers, answers } = answer;
  if (status !== 0) return `status ${status}, ${details}`;
  const came = [trailers["x-peer"], trailers["x-authority"], trailers["x-messages"], trailers["x-bytes"], trailers["x-raw-bin"]];
  const expected = [peer, target, `${messages}`, `${messages * bytes}`, RAW];
  const wrong = came.findIndex((value, index) => value !== expected[index]);
  if (wrong !== -1) return `'${came[wrong]}' in place of '${expected[wrong]}'`;
  const lengths = answers.map((text) => text.length);
  if (kind === "ServerStreaming") return answers.join() === "0,1,2" ? undefined : `answers ${answers.join()}`;
  const count = kind === "Bidirectional" ? messages : 1;
  return lengths.length === count && lengths.every((length) => length === bytes) ? undefined : `answers of ${lengths.join()} bytes`;
}

/** Calls a gRPC host until it answers the caller itself. */
export function untilDirect({ lab, caller }: Scene, target: string): Promise<unknown> {
  return lab.until(`${target} to be direct`, async () => {
    const { status, details, trailers } = await caller.app.grpc({ target, kind: "Unary" });
    assert.equal(status, 0, `${target}: ${status} ${details}`);
    return trailers["x-peer"] === caller.identity;
  });
}
