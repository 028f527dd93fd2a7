import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceFenceSpec } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { type ConditionsInput, conditions } from "./conditions.ts";

const B = "b.test1.svc.cluster.local";
const HOUR = 3_600_000;

function enforcedOf(over: Partial<ConditionsInput> = {}, calls = 0, mode: ServiceFenceSpec["mode"] = "Observe") {
  const edges = new FenceEdges({ idleWindow: HOUR, maxHosts: 10, maxRemovedShare: 1 });
  for (let call = 1; call <= calls; call += 1) edges.observe(B, 80, 1, call * (HOUR / 10));
  const now = calls * (HOUR / 10);
  if (calls > 0) edges.telemetry(now);
  const judged = conditions({
    fence: { metadata: { namespace: "test1", name: "a", labels: {} } },
    previous: { domains: {} },
    edges: edges.seen(),
    rendered: { mode: mode ?? "Observe", objects: [{ kind: "EnvoyFilter" }] as unknown as ConditionsInput["rendered"]["objects"] } as never,
    enforced: false,
    fallbackReady: true,
    conflicts: [],
    obstacles: [],
    streams: { isOpen: true, lostAt: undefined },
    idleWindow: HOUR,
    now,
    ...over,
  });
  const { status, reason, message = "" } = judged.find(({ type }) => type === "Enforced") ?? {};
  return `${status} ${reason} ${message.split("; ")[1] ?? ""}`;
}

test("a fence in Observe says in one line whether it may be enforced, and in other modes nothing of it", () => {
  assert.equal(enforcedOf({}, 0), "False ModeObserve wait before it is enforced: NotObserved, see fenceline report");
  assert.equal(enforcedOf({}, 5), "False ModeObserve wait before it is enforced: ObservedTooShortly, see fenceline report");
  assert.equal(enforcedOf({}, 20), "False ModeObserve nothing speaks against enforcing it, see fenceline report");
  assert.equal(enforcedOf({}, 20, "Off"), "False ModeOff ");
});

test("what the other conditions say, and that a Sidecar would be too large, speaks against it", () => {
  const without = enforcedOf({ fallbackReady: false, conflicts: ["theirs"] }, 20);
  assert.equal(without, "False ModeObserve do not enforce it: OtherSidecar, NoEndpoints, see fenceline report");
  const refusal = { reason: "TooManyHosts", message: "…" };
  const rendered = { mode: "Observe", objects: [{ kind: "EnvoyFilter" }], inEnforce: refusal } as unknown as ConditionsInput["rendered"];
  assert.equal(enforcedOf({ rendered }, 20), "False ModeObserve do not enforce it: TooManyHosts, see fenceline report");
});

test("more calls, when nothing else changes, change no word of it", () => {
  assert.equal(enforcedOf({}, 25), enforcedOf({}, 24));
  assert.equal(enforcedOf({}, 6), enforcedOf({}, 5));
});
