/** T-15: what stays after the uninstallation does not go on to say that it is in force. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SMART_LIMITER } from "@fenceline/api";
import { resourcesOf } from "@fenceline/kubernetes";
import { FakeApiServer, type Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SIDECARS, sidecar } from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { withdraw } from "./withdraw.ts";

const [FENCES, NETEASE_FENCES] = SERVICE_FENCES as [Resource, Resource];
const [LIMITERS] = resourcesOf(SMART_LIMITER);
const BEFORE = "2026-01-01T00:00:00.000Z";
const DOMAINS = { "b.test1.svc.cluster.local": { hosts: ["b.test1.svc.cluster.local"], status: "ACTIVE", source: "learned" } };

const condition = (type: string, status: string) => ({ type, status, reason: "AsItWas", message: "m", lastTransitionTime: BEFORE });
const CONDITIONS = [condition("Ready", "True"), condition("Enforced", "True"), condition("Conflict", "False")];
const LIMITS = { quotas: "5/1s", rules: [{ set: "_base", rule: "0", active: true, reason: "Followed" }] };

async function setUp(t: TestContext) {
  const server = await FakeApiServer.start(t);
  const lines: { readonly msg: string }[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
  const run = () => withdraw({ api: server.api(t), namespace: "fenceline", logger, settle: 1, timeout: 200, interval: 5 });
  const statusOf = (resource: Resource, key = FENCE) => (server.get(resource, key)?.status ?? {}) as Record<string, unknown>;
  const toldBy = (resource: Resource, key = FENCE) =>
    (statusOf(resource, key).conditions as { type: string; status: string; reason: string; lastTransitionTime: string }[]).map(
      ({ type, status, reason, lastTransitionTime }) => `${type} ${status} ${reason}${lastTransitionTime === BEFORE ? " as before" : ""}`,
    );
  return { server, run, lines, statusOf, toldBy };
}

test("T-15 after the uninstallation fences of both groups say that nothing is in force, and keep what they learned", async (t) => {
  const { server, run, statusOf, toldBy } = await setUp(t);
  const more = { status: { domains: DOMAINS, conditions: CONDITIONS } };
  server.put(SIDECARS, sidecar("test1/b.test1.svc.cluster.local"));
  for (const resource of [FENCES, NETEASE_FENCES]) server.put(resource, fence(more));
  await run();
  assert.equal(server.get(SIDECARS, FENCE), undefined);
  for (const resource of [FENCES, NETEASE_FENCES]) {
    assert.deepEqual(toldBy(resource), ["Ready False Withdrawn", "Enforced False Withdrawn", "Conflict Unknown Withdrawn"]);
    assert.deepEqual(statusOf(resource).domains, DOMAINS);
  }
});

test("T-15 so do limiters, which tell no quota in force either; a second run changes nothing", async (t) => {
  const { server, run, statusOf, toldBy } = await setUp(t);
  const conditions = [condition("Rendered", "True"), condition("Active", "False"), condition("Accepted", "True")];
  server.put(LIMITERS, { metadata: FENCE, spec: { sets: {} }, status: { ...LIMITS, metricStatus: { rate: "3" }, conditions } });
  await run();
  assert.deepEqual(toldBy(LIMITERS), ["Rendered False Withdrawn", "Active False Withdrawn as before", "Accepted Unknown Withdrawn"]);
  const { conditions: told, ...rest } = statusOf(LIMITERS);
  assert.deepEqual(rest, { metricStatus: { rate: "3" } });
  await run();
  assert.deepEqual(statusOf(LIMITERS).conditions, told);
});

test("T-15 a status that cannot be written is told in the log and holds up nothing; one that says nothing is not written", async (t) => {
  const { server, run, lines, toldBy } = await setUp(t);
  const refused = { namespace: "test1", name: "refused" };
  const unjudged = { namespace: "test1", name: "unjudged" };
  server.put(FENCES, fence({}, unjudged));
  server.put(FENCES, fence({ status: { domains: {}, conditions: CONDITIONS } }, refused));
  server.put(FENCES, fence({ status: { domains: {}, conditions: CONDITIONS } }, { namespace: "test1", name: "taken" }));
  const isWrite =
    (name: string) =>
    ({ method, path }: { readonly method: string; readonly path: string }) =>
      method === "PATCH" && path.endsWith(`/${name}/status`);
  server.fail(isWrite("refused"), { status: 403 });
  await run();
  assert.ok(toldBy(FENCES, { namespace: "test1", name: "taken" }).includes("Enforced False Withdrawn"));
  assert.deepEqual(
    lines.map(({ msg }) => msg).filter((msg) => msg.startsWith("not told")),
    ["not told as withdrawn"],
  );
  assert.ok(!server.requests.some(isWrite("unjudged")));
});
