import assert from "node:assert/strict";
import { test } from "node:test";
import { proxiesCondition } from "./proxies-condition.ts";
import type { ProxiesSeen } from "./proxy-syncs.ts";

const SEEN: ProxiesSeen = { view: "seen", detail: undefined, refusing: [], forgotten: [], unknown: [] };
const REJECTED = { pod: "a-1", rejections: [{ type: "LDS", words: "script load error" }] };

function said(seen: Partial<ProxiesSeen>): string {
  const found = proxiesCondition({ ...SEEN, ...seen }, undefined);
  return found === undefined ? "" : `${found.status} ${found.reason}: ${found.message}`;
}

test("issue 16: AcceptedByProxies says what is refused in Envoy's words, before anything that is not known", () => {
  assert.equal(said({}), "True Accepted: no proxy of these pods refuses its configuration");
  for (const view of ["seen", "own", "lost", "asked"] as const)
    assert.equal(said({ view, refusing: [REJECTED], unknown: ["b-1"] }), "False Rejected: pod a-1: LDS: script load error");
  const many = Array.from({ length: 9 }, (_, index) => ({ ...REJECTED, pod: `a-${index}` }));
  assert.match(said({ refusing: many }), /pod a-2: LDS: script load error; and 6 more pods$/);
});

test("issue 16: where somebody cannot be asked, or a pod may be anybody's, it is Unknown and says what to do", () => {
  assert.match(said({ view: "own" }), /^Unknown NotPermitted: .*DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES/);
  assert.match(said({ view: "lost", detail: "10.0.0.1:15012: UNAVAILABLE" }), /^Unknown NotReachable: .*10\.0\.0\.1:15012: UNAVAILABLE/);
  assert.match(said({ unknown: ["x-1"] }), /^Unknown PodNotKnown: .*x-1/);
});

test("issue 16: what istiod has forgotten is told as not known, with the words of before, and after what it tells", () => {
  const message = "istiod has forgotten whether this is still refused: pod a-1: LDS: script load error";
  for (const view of ["seen", "own", "lost", "asked"] as const)
    assert.equal(said({ view, forgotten: [REJECTED] }), `Unknown RejectedBefore: ${message}`);
  assert.match(said({ refusing: [REJECTED], forgotten: [{ ...REJECTED, pod: "b-1" }] }), /^False Rejected: pod a-1/);
});

test("issue 16: before the first answer it says what was said before", () => {
  const before = [
    { type: "AcceptedByProxies", status: "True", reason: "Accepted", message: "m", lastTransitionTime: "2026-01-01T00:00:00Z" },
  ] as const;
  assert.deepEqual(proxiesCondition({ ...SEEN, view: "asked" }, before), before[0]);
  assert.equal(proxiesCondition({ ...SEEN, view: "asked" }, []), undefined);
});
