import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { FencelineError } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { LEASES } from "../client/resource.ts";
import { FakeApiServer } from "../testing/fake-api-server.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { RecordedRequest } from "../testing/scripted-answers.ts";
import { LeaderElection } from "./leader-election.ts";

const KEY = { namespace: "fenceline", name: "collector" };
const isRenewal = ({ method }: RecordedRequest) => method === "PUT";

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly leaseTransitions?: number;
  readonly renewTime?: string;
}

async function candidates(t: TestContext, ...identities: readonly string[]) {
  const server = await FakeApiServer.start(t);
  const clock = new ManualClock();
  const changes: string[] = [];
  const troubles: FencelineError[] = [];
  const elections = identities.map((identity) => {
    const onChange = (leads: boolean) => changes.push(`${identity} ${leads ? "leads" : "ends"}`);
    const onTrouble = (error: FencelineError) => troubles.push(error);
    const election = new LeaderElection({ api: server.api(t, { clock }), ...KEY, identity, clock, random: () => 0, onChange, onTrouble });
    t.after(() => election.stop());
    return election;
  });
  const spec = () => (server.get(LEASES, KEY)?.spec ?? {}) as LeaseSpec;
  const holder = () => spec().holderIdentity;
  /** Lets the retry period pass once for everybody, and waits until they are asleep again. */
  const round = async () => {
    await until(
      () => clock.pauses().filter((pause) => pause === 2_000).length === elections.filter((election) => started.has(election)).length,
    );
    clock.advance(2_000);
  };
  const started = new Set<LeaderElection>();
  const start = (election: LeaderElection) => {
    started.add(election);
    election.start();
  };
  return {
    server,
    clock,
    changes,
    troubles,
    elections,
    spec,
    holder,
    round,
    start,
    ended: (election: LeaderElection) => started.delete(election),
  };
}

async function oneLeader(t: TestContext) {
  const setup = await candidates(t, "a");
  const [a] = setup.elections;
  assert.ok(a);
  setup.start(a);
  await until(() => a.mayWrite());
  return { ...setup, a };
}

test("the first candidate makes the Lease and leads", async (t) => {
  const { a, spec, changes } = await oneLeader(t);
  assert.equal(a.term().aborted, false);
  assert.equal(a.leader, "a");
  assert.deepEqual(changes, ["a leads"]);
  assert.equal(spec().holderIdentity, "a");
  assert.equal(spec().leaseDurationSeconds, 15);
  assert.match(spec().renewTime ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("E3-06 a leader renews every two seconds, and others leave it alone", async (t) => {
  const { elections, start, round, server, changes } = await candidates(t, "a", "b");
  const [a, b] = elections;
  assert.ok(a && b);
  start(a);
  await until(() => a.mayWrite());
  start(b);
  for (let rounds = 0; rounds < 12; rounds += 1) await round();
  assert.ok(a.mayWrite());
  assert.equal(b.mayWrite(), false);
  assert.equal(b.leader, "a");
  assert.ok(server.requests.filter(isRenewal).length >= 11);
  assert.deepEqual(changes, ["a leads"]);
});

test("E3-06 when the leader dies, another leads after the Lease's duration and not before", async (t) => {
  const { elections, start, server, clock, round, spec, holder } = await candidates(t, "b");
  const [b] = elections;
  assert.ok(b);
  server.put(LEASES, { metadata: KEY, spec: { holderIdentity: "dead", leaseDurationSeconds: 15, leaseTransitions: 3 } });
  start(b);
  for (let seconds = 0; seconds < 14; seconds += 2) {
    await round();
    assert.equal(b.mayWrite(), false);
  }
  await round();
  await until(() => b.mayWrite());
  assert.equal(holder(), "b");
  assert.equal(spec().leaseTransitions, 4);
  assert.ok(clock.now() >= 16_000);
});

test("E3-06 a Lease that says it is held for 31 years is waited for a minute, and told once", async (t) => {
  const { elections, start, server, clock, round, spec, holder, troubles } = await candidates(t, "b");
  const [b] = elections;
  assert.ok(b);
  server.put(LEASES, { metadata: KEY, spec: { holderIdentity: "nobody", leaseDurationSeconds: 1e9 } });
  start(b);
  for (let seconds = 0; seconds < 58; seconds += 2) {
    await round();
    assert.equal(b.mayWrite(), false);
  }
  await round();
  await until(() => b.mayWrite());
  assert.deepEqual([holder(), spec().leaseDurationSeconds], ["b", 15]);
  assert.ok(clock.now() >= 60_000);
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["LEASE_TOO_LONG"],
  );
});

test("E3-06 a leader that cannot renew stops writing after ten seconds, five before anybody else may begin", async (t) => {
  const { a, server, clock, changes } = await oneLeader(t);
  const began = clock.now();
  server.answer(isRenewal, ...Array(20).fill({ status: 500 }));
  const term = a.term();
  while (clock.now() - began < 10_000) {
    assert.ok(a.mayWrite());
    await until(() => clock.pauses().includes(2_000));
    clock.advance(2_000);
  }
  assert.equal(a.mayWrite(), false);
  await until(() => term.aborted && changes.length === 2);
  assert.deepEqual(changes, ["a leads", "a ends"]);
});

test("E3-06 an API server that does not answer is no reason to go on leading", async (t) => {
  const { a, server, clock } = await oneLeader(t);
  server.answer(isRenewal, ...Array(20).fill("silence"));
  const term = a.term();
  await until(() => clock.pauses().includes(2_000));
  clock.advance(2_000);
  await until(() => server.requests.filter(isRenewal).length === 1);
  clock.advance(8_000);
  assert.equal(a.mayWrite(), false);
  await until(() => term.aborted);
});

test("E3-17 after an event-loop stall the very first question is answered with no, before any timer runs", async (t) => {
  const { a, clock } = await oneLeader(t);
  clock.jump(10_000);
  assert.equal(a.mayWrite(), false);
  assert.ok(a.term().aborted);
});

test("E3-17 after a stall the term ends, and a new one begins only with a new write", async (t) => {
  const { a, clock, changes } = await oneLeader(t);
  const term = a.term();
  await until(() => clock.pauses().includes(2_000));
  clock.jump(60_000);
  clock.advance(0);
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ["a leads", "a ends", "a leads"]);
  assert.ok(term.aborted);
  assert.ok(a.mayWrite());
});

test("E3-06 whoever stops gives the Lease away, and the next one leads within a retry period", async (t) => {
  const { elections, start, ended, round, server, holder } = await candidates(t, "a", "b");
  const [a, b] = elections;
  assert.ok(a && b);
  start(a);
  await until(() => a.mayWrite());
  start(b);
  await round();
  await until(() => b.leader === "a");
  const term = a.term();
  const stopped = a.stop();
  assert.equal(a.mayWrite(), false);
  assert.ok(term.aborted);
  await stopped;
  ended(a);
  assert.equal(holder(), "");
  await round();
  await until(() => b.mayWrite());
  assert.ok(server.requests.length < 20);
});

test("E3-06 of two that claim a free Lease at once, one leads", async (t) => {
  const { elections, start } = await candidates(t, "a", "b");
  for (const election of elections) start(election);
  await until(() => elections.some((election) => election.mayWrite()) && elections.every(({ leader }) => leader !== undefined));
  assert.equal(elections.filter((election) => election.mayWrite()).length, 1);
});

test("a leader whose Lease somebody else took ends its term", async (t) => {
  const { a, server, clock, changes } = await oneLeader(t);
  await until(() => clock.pauses().includes(2_000));
  server.put(LEASES, { metadata: KEY, spec: { holderIdentity: "usurper", leaseDurationSeconds: 15 } });
  clock.advance(2_000);
  await until(() => changes.length === 2);
  assert.equal(a.mayWrite(), false);
});

test("a leader whose Lease was annotated or deleted by hand goes on", async (t) => {
  const { a, server, clock, changes, holder } = await oneLeader(t);
  const { metadata, ...rest } = server.get(LEASES, KEY) ?? { metadata: {} };
  server.put(LEASES, { ...rest, metadata: { ...metadata, annotations: { note: "mine" } } });
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await until(() => clock.pauses().includes(2_000));
    clock.advance(2_000);
  }
  server.remove(LEASES, KEY);
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await until(() => clock.pauses().includes(2_000));
    clock.advance(2_000);
  }
  await until(() => holder() === "a");
  assert.ok(a.mayWrite());
  assert.deepEqual(changes, ["a leads"]);
});

test("E3-08 without the right to read Leases nobody leads, and it is said once", async (t) => {
  const { elections, start, round, server, troubles } = await candidates(t, "a");
  const [a] = elections;
  assert.ok(a);
  server.answer(() => true, ...Array(4).fill({ status: 403, body: { code: 403, message: "leases is forbidden" } }));
  start(a);
  for (let rounds = 0; rounds < 3; rounds += 1) await round();
  assert.equal(a.mayWrite(), false);
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["KUBERNETES_FORBIDDEN"],
  );
});

test("times with which two could lead at once are refused", async (t) => {
  const server = await FakeApiServer.start(t);
  const times = { leaseDuration: 10_000, renewDeadline: 10_000, retryPeriod: 2_000 };
  assert.throws(() => new LeaderElection({ api: server.api(t), ...KEY, identity: "a", times }), /LEASE_TIMES_INVALID/);
});

test("T-19 a candidate says why nobody leads while it may not write a Lease that is free, and not while somebody has it", async (t) => {
  const { server, elections, round, start } = await candidates(t, "a", "b");
  const [a, b] = elections as [LeaderElection, LeaderElection];
  const allow = server.forbid(LEASES, "POST");
  start(a);
  assert.equal(a.vacancy, undefined, "it has not tried yet");
  await until(() => a.vacancy !== undefined);
  assert.match(a.vacancy ?? "", /leases/);
  await round();
  assert.match(a.vacancy ?? "", /leases/);
  allow();
  await round();
  await until(() => a.mayWrite());
  assert.equal(a.vacancy, undefined);
  server.forbid(LEASES, "PUT");
  start(b);
  await round();
  await until(() => b.leader === "a");
  assert.equal(b.vacancy, undefined);
});
