/**
 * Each case of the table goes as bytes to our proxy, to a real Envoy and to a real nginx. Two laws:
 * what both refuse we do not forward, and what we forward is one unambiguous request for each that
 * we took, whatever the destination's parser is.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { CASES } from "./cases/all.ts";
import type { Case } from "./cases/case.ts";
import { FORWARDED_ONLY_BY_US, REFUSED_ONLY_BY_US } from "./deviations.ts";
import { type Outcome, runCase } from "./run-case.ts";
import { type Server, startEnvoy, startFenceline, startNginx } from "./servers.ts";

const envoy = toolPath("envoy");
const nginx = toolPath("nginx");
const missing = envoy === undefined ? "Envoy" : nginx === undefined ? "nginx" : undefined;
// On CI a missing one is a failure: the one place where they must run.
const skip = missing !== undefined && process.env.CI !== "true" && `no ${missing} here: npm test could not install it`;

type Outcomes = ReadonlyMap<string, Outcome>;

async function runAll(server: Server): Promise<Outcomes> {
  const outcomes = new Map<string, Outcome>();
  for (const { name, bytes } of CASES) outcomes.set(name, await runCase(server, bytes));
  return outcomes;
}

async function runPeers(t: TestContext): Promise<Outcomes[]> {
  const servers = await Promise.all([startEnvoy(t, envoy ?? "envoy"), startNginx(t, nginx ?? "nginx")]);
  return Promise.all(servers.map(runAll));
}

/** How many requests of a case reached the upstream, be they ones that it can read or not. */
function reached(outcomes: Outcomes, name: string): number {
  const { forwarded, faults } = outcomes.get(name) ?? assert.fail(`no outcome of ${name}`);
  return forwarded.length + faults.length;
}

function namesOf(isIncluded: (name: string) => boolean): string[] {
  return CASES.map(({ name }) => name).filter(isIncluded);
}

/** The second law, and what the table says of the case. */
function checkOurs({ verdict }: Case, { forwarded, faults, lastForwarded, statuses, relayed, closed }: Outcome): void {
  assert.deepEqual(faults, [], "bytes reached the upstream that are no request");
  const targets = forwarded.map(({ target }) => target);
  assert.ok(!targets.includes("/smuggled"), "the hidden request reached the upstream");
  const requests = forwarded.length + (lastForwarded ? 1 : 0);
  assert.ok(relayed >= forwarded.length && relayed <= requests, `${relayed} answers of ${requests} requests`);
  assert.equal(forwarded.length, typeof verdict === "number" ? verdict : 0, `reached the upstream: ${targets}`);
  if (verdict === "refused") assert.deepEqual({ closed, lastForwarded }, { closed: true, lastForwarded: false });
  if (verdict === "unfinished") assert.deepEqual({ statuses, lastForwarded }, { statuses: [], lastForwarded: false });
  if (verdict === "declined") assert.ok(lastForwarded, "the next request on the connection was not served");
}

test("malformed and ambiguous requests", async (t) => {
  const fenceline = await startFenceline(t);
  const [ours, peers] = await Promise.all([runAll(fenceline), skip === false ? runPeers(t) : []]);

  for (const known of CASES) {
    const { row, name, verdict } = known;
    const what = typeof verdict === "number" ? `${verdict} forwarded` : verdict;
    await t.test(`E1-${String(row).padStart(2, "0")} ${name}: ${what}`, () => {
      checkOurs(known, ours.get(name) ?? assert.fail());
    });
  }

  await t.test("nothing more reached the upstream after the last case", () => {
    assert.deepEqual([fenceline.upstream.takeRequests(), fenceline.upstream.takeFaults()], [[], []]);
  });

  await t.test("E1-03 what neither Envoy nor nginx forwards is not forwarded", { skip }, () => {
    const bolder = namesOf((name) => peers.every((peer) => reached(ours, name) > reached(peer, name)));
    assert.deepEqual(bolder.sort(), Object.keys(FORWARDED_ONLY_BY_US).sort());
  });

  await t.test("E1-03 what both Envoy and nginx forward and we do not has its reason", { skip }, () => {
    const stricter = namesOf((name) => peers.every((peer) => reached(ours, name) < reached(peer, name)));
    assert.deepEqual(stricter.sort(), Object.keys(REFUSED_ONLY_BY_US).sort());
  });

  await t.test("Envoy and nginx forward a plain request, so that their refusals mean something", { skip }, () => {
    for (const peer of peers) assert.equal(reached(peer, "a request behind content of its stated length"), 2);
  });
});

test("the cases have names of their own", () => {
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});
