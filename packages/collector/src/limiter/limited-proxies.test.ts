import assert from "node:assert/strict";
import { test } from "node:test";
import type { Labels } from "@fenceline/api";
import type { ProxiesOf, ProxiesSeen } from "../sources/istiods/proxy-syncs.ts";
import { base, limiters, limiterText, rule } from "../testing/limiters.ts";

const SEEN: ProxiesSeen = { view: "seen", detail: undefined, refusing: [], forgotten: [], unknown: [] };
const REJECTED = [{ pod: "a-1", rejections: [{ type: "RDS", words: "Only unique names for routes are supported" }] }];

function accepted(limiter: string, proxies?: ProxiesOf): string {
  const { status } = limiters([limiter], {}, undefined, proxies)("a");
  const found = status.conditions?.find(({ type }) => type === "AcceptedByProxies");
  return `${found?.status} ${found?.reason}: ${found?.message}`;
}

test("issue 17: a limiter tells what proxies of its pods refuse, in Envoy's words", () => {
  const limiter = limiterText("a", base(rule()));
  assert.match(
    accepted(limiter, () => SEEN),
    /^True Accepted/,
  );
  assert.equal(
    accepted(limiter, () => ({ ...SEEN, refusing: REJECTED })),
    "False Rejected: pod a-1: RDS: Only unique names for routes are supported",
  );
  assert.match(
    accepted(limiter, () => ({ ...SEEN, forgotten: REJECTED })),
    /^Unknown RejectedBefore: .*pod a-1: RDS/,
  );
});

test("issue 17: of proxies are asked those of the pods of all its sets that are known, and of no others", () => {
  const asked: unknown[] = [];
  const proxies = (namespace: string, selectors: readonly Labels[]) => {
    asked.push([namespace, selectors]);
    return SEEN;
  };
  const sets = { _base: { descriptor: [rule()] }, v1: { descriptor: [rule()] } };
  assert.match(accepted(limiterText("a", { sets }), proxies), /^True Accepted/);
  assert.deepEqual(asked, [["shop", [{ app: "a" }]]], "no DestinationRule has a subset v1");
});

test("issue 17: where nobody has told, or the pods are not known, it is Unknown and says why", () => {
  const limiter = limiterText("a", base(rule()));
  assert.match(accepted(limiter), /^Unknown NotObserved/);
  assert.match(
    accepted(limiter, () => ({ ...SEEN, view: "asked" })),
    /^Unknown NotObserved/,
  );
  assert.match(
    accepted(limiterText("a", { workloadSelector: {}, ...base(rule()) }), () => SEEN),
    /^Unknown PodsUnknown/,
  );
});
