import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FenceEdges } from "./fence-edges.ts";
import type { AgeingPolicy, HostSeed } from "./host-entry.ts";

const POLICY: AgeingPolicy = { idleWindow: 1_000, maxHosts: 100, maxRemovedShare: 1 };

/** Telemetry every 10 ms from `from` to `until`, in which the given hosts are called. */
function watch(edges: FenceEdges, from: number, until: number, called: readonly string[] = []): void {
  for (let now = from; now <= until; now += 10) {
    edges.telemetry(now);
    for (const host of called) edges.observe(host, 80, 1, now);
  }
}

test("a host that is not seen for a window of observed time ages out, one that is used stays", () => {
  const edges = new FenceEdges(POLICY);
  watch(edges, 0, 0, ["used", "idle"]);
  watch(edges, 10, 1_000, ["used"]);
  assert.deepEqual(edges.age(), []);
  watch(edges, 1_010, 1_020, ["used"]);
  assert.deepEqual(edges.age(), ["idle"]);
  assert.deepEqual(
    edges.hosts().map(({ host }) => host),
    ["used"],
  );
});

test("a host is not aged while its proxies send no telemetry", () => {
  const edges = new FenceEdges(POLICY);
  watch(edges, 0, 500, ["b"]);
  edges.telemetry(50_000_000);
  assert.deepEqual(edges.age(), []);
});

test("telemetry that is told of late counts until then, and no clock is taken for set back", () => {
  const edges = new FenceEdges(POLICY);
  watch(edges, 0, 500, ["b", "c"]);
  edges.telemetry(480, 510);
  edges.observe("c", undefined, 0, 480);
  assert.deepEqual(
    edges.hosts().map(({ lastSeen, ports }) => [lastSeen, ports]),
    [
      [500, [80]],
      [500, [80]],
    ],
  );
  assert.equal(edges.observedUntil, 500);
  // One that is ahead of our clock counts until now.
  edges.telemetry(9_000, 520);
  assert.equal(edges.observedUntil, 520);
});

test("an open connection keeps its host: a report of no finished request counts as seen", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe("b", 7000, 1, 0);
  for (let now = 0; now <= 5_000; now += 10) {
    edges.telemetry(now);
    if (now % 500 === 0) edges.observe("b", 7000, 0, now);
  }
  assert.deepEqual(edges.age(), []);
  assert.equal(edges.hosts()[0]?.requests, 1);
});

test("after a restart nothing ages before one full window was observed, however old its last call", () => {
  const edges = new FenceEdges(POLICY);
  edges.seed({ host: "b", source: "learned", firstSeen: 0, lastSeen: 1 });
  watch(edges, 10_000_000, 10_001_000);
  assert.deepEqual(edges.age(), []);
  watch(edges, 10_001_010, 10_001_020);
  assert.deepEqual(edges.age(), ["b"]);
});

test("a host with a window of its own ages by that", () => {
  const edges = new FenceEdges(POLICY);
  edges.seed({ host: "short", source: "static", firstSeen: 0, lastSeen: 0, idleWindow: 100 });
  edges.seed({ host: "long", source: "preloaded", firstSeen: 0, lastSeen: 0, idleWindow: 5_000 });
  watch(edges, 0, 1_500);
  assert.deepEqual(edges.age(), ["short"]);
});

test("a host that another replica saw in use does not age; an old sighting of it changes nothing", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe("b", 80, 1, 0);
  edges.observe("c", 80, 1, 0);
  watch(edges, 0, 900);
  edges.seenElsewhere("b", 850);
  edges.seenElsewhere("c", 0);
  edges.seenElsewhere("ghost", 850);
  watch(edges, 910, 1_190);
  assert.deepEqual(edges.age(), []);
  watch(edges, 1_200, 1_210);
  assert.deepEqual(edges.age(), ["c"]);
  assert.deepEqual(
    edges.hosts().map(({ host, requests }) => `${host} ${requests}`),
    ["b 1"],
  );
});

test("a workload that only another replica observes ages by what that one reports, and a pause of its reports counts for a tenth of a window", () => {
  const edges = new FenceEdges(POLICY);
  edges.observedElsewhere(0);
  edges.seed({ host: "used", source: "learned", firstSeen: 0, lastSeen: 0 });
  edges.seed({ host: "idle", source: "learned", firstSeen: 0, lastSeen: 0 });
  const report = (now: number) => {
    edges.observedElsewhere(now);
    edges.seenElsewhere("used", now);
    return edges.age();
  };
  for (let now = 100; now <= 1_100; now += 100) assert.deepEqual(report(now), []);
  assert.deepEqual(report(50_000_000), []);
  assert.deepEqual(report(50_000_100), ["idle"]);
});

test("a host that another replica sees once a window, and tells late, does not age", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe("b", 80, 1, 0);
  edges.seenElsewhere("b", 1);
  for (let now = 0; now <= 10_000; now += 10) {
    edges.telemetry(now);
    // Called every 950 ms; the reports of the calls are up to 150 ms late.
    if (now % 150 === 0) {
      edges.observedElsewhere(now);
      edges.seenElsewhere("b", 1 + now - (now % 950));
    }
    assert.deepEqual(edges.age(), [], `at ${now}`);
  }
});

test("a pause in telemetry does not age a host with a short window of its own", () => {
  const edges = new FenceEdges({ ...POLICY, idleWindow: 1_000_000 });
  edges.seed({ host: "short", source: "static", firstSeen: 0, lastSeen: 0, idleWindow: 100 });
  edges.telemetry(0);
  edges.telemetry(40_000);
  assert.deepEqual(edges.age(), []);
});

test("one round removes no more than its share, the longest idle first, and at least one", () => {
  const edges = new FenceEdges({ ...POLICY, maxRemovedShare: 0.25 });
  for (let n = 0; n < 8; n += 1) {
    edges.telemetry(n * 10);
    edges.observe(`h${n}`, 80, 1, n * 10);
  }
  watch(edges, 80, 2_000);
  assert.deepEqual(edges.age(), ["h0", "h1"]);
  for (let round = 0; round < 6; round += 1) edges.age();
  assert.equal(edges.size, 0);
});

const names = (edges: FenceEdges) => edges.hosts().map(({ host }) => host);

test("T-08 a newcomer beyond maxHosts is turned away while every host was seen within its window", () => {
  const edges = new FenceEdges({ ...POLICY, maxHosts: 2 });
  assert.deepEqual([edges.observe("a", 80, 1, 0), edges.observe("b", 80, 1, 1), edges.isAtCapacity], [true, true, true]);
  for (let n = 0; n < 50; n += 1) assert.equal(edges.observe(`flood${n}`, 80, 1, 2), false);
  assert.deepEqual(names(edges), ["a", "b"]);
});

test("T-08 a newcomer takes the place of the host that was not seen for longest, once that is longer than its window", () => {
  const edges = new FenceEdges({ ...POLICY, maxHosts: 3 });
  watch(edges, 0, 0, ["a", "b", "c"]);
  watch(edges, 10, 500, ["b", "c"]);
  watch(edges, 510, 1_000, ["c"]);
  assert.equal(edges.observe("new", 80, 1, 1_000), false);
  watch(edges, 1_010, 1_020, ["c"]);
  assert.equal(edges.isAtCapacity, false);
  assert.equal(edges.observe("new", 80, 1, 1_020), true);
  assert.deepEqual(names(edges), ["b", "c", "new"]);
  assert.equal(edges.observe("newer", 80, 1, 1_020), false, "b was seen within its window");
});

test("T-08 no newcomer takes a place while nothing is observed, however much time passes", () => {
  const edges = new FenceEdges({ ...POLICY, maxHosts: 1 });
  watch(edges, 0, 100, ["a"]);
  assert.equal(edges.observe("new", 80, 1, 50_000_000), false);
});

test("T-08 a smaller maxHosts takes out hosts that were not seen within their window, and no others", () => {
  const edges = new FenceEdges(POLICY);
  watch(edges, 0, 0, ["a", "b", "c", "d"]);
  watch(edges, 10, 1_020, ["c", "d"]);
  edges.setPolicy({ ...POLICY, maxHosts: 3 });
  assert.deepEqual(names(edges), ["b", "c", "d"]);
  edges.setPolicy({ ...POLICY, maxHosts: 1 });
  assert.deepEqual([names(edges), edges.isAtCapacity], [["c", "d"], true]);
});

test("T-08 what an earlier run or another replica has written is taken in, also beyond maxHosts, and makes no room for newcomers", () => {
  const edges = new FenceEdges({ ...POLICY, maxHosts: 2 });
  for (let n = 0; n < 100; n += 1) edges.seed({ host: `h${n}`, source: "learned", firstSeen: 0, lastSeen: n });
  assert.deepEqual([edges.size, edges.isAtCapacity, edges.observe("new", 80, 1, 200)], [100, true, false]);
});

test("T-08 a host that a person declared finds room, and takes none", () => {
  const edges = new FenceEdges({ ...POLICY, maxHosts: 1, declared: new Set(["static", "other"]) });
  for (const host of ["static", "learned", "other", "more"]) edges.observe(host, 80, 1, 0);
  assert.deepEqual(names(edges), ["learned", "other", "static"]);
  edges.setPolicy({ ...POLICY, maxHosts: 1 });
  assert.equal(edges.size, 3, "one that is declared no more is in use all the same");
});

test("T-08 a host keeps a hundred ports, however many are called", () => {
  const edges = new FenceEdges(POLICY);
  for (let port = 1_000; port > 0; port -= 1) edges.observe("b", port, 1, 0);
  assert.deepEqual(
    edges.hosts()[0]?.ports,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test("law: a host that is called at least once per window never ages, whatever the gaps in telemetry", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 50 });
  fc.assert(
    fc.property(gaps, (steps) => {
      const edges = new FenceEdges(POLICY);
      let now = 0;
      edges.observe("b", 80, 1, now);
      for (const step of steps) {
        now += step;
        edges.telemetry(now);
        if (edges.age().length > 0) return false;
        edges.observe("b", 80, 1, now);
      }
      return true;
    }),
  );
});

/** When each host was last seen in observed time, kept beside the book in the simplest way. */
class Model {
  readonly #seen = new Map<string, { readonly at: number; readonly window: number }>();
  #observed = 0;
  #narrowest = POLICY.idleWindow;

  pass(time: number): void {
    this.#observed += Math.min(time, this.#narrowest / 20);
  }

  saw(host: string, window?: number): void {
    this.#narrowest = Math.min(this.#narrowest, window ?? POLICY.idleWindow);
    this.#seen.set(host, { at: this.#observed, window: window ?? this.#seen.get(host)?.window ?? POLICY.idleWindow });
  }

  forget(host: string): void {
    this.#seen.delete(host);
  }

  isInUse(host: string): boolean {
    const { at, window } = this.#seen.get(host) ?? { at: 0, window: 0 };
    return this.#observed - at < window - 1e-6;
  }
}

test("law: calls never bring in more than maxHosts, and what was seen within its window is never taken out for a newcomer", () => {
  const step = fc.record({
    host: fc.integer({ min: 0, max: 30 }).map((n) => `h${n}`),
    time: fc.integer({ min: 0, max: 400 }),
    maxHosts: fc.integer({ min: 1, max: 20 }),
    /** The window of a host that is preloaded; undefined for one that is called. */
    window: fc.option(fc.integer({ min: 1, max: 2_000 }), { freq: 10, nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const edges = new FenceEdges({ ...POLICY, maxHosts: 20 });
      const model = new Model();
      let now = 0;
      edges.telemetry(now);
      for (const { host, time, maxHosts, window } of steps) {
        now += time;
        edges.telemetry(now);
        model.pass(time);
        const before = names(edges);
        edges.setPolicy({ ...POLICY, maxHosts });
        const seed: HostSeed = { host, source: "preloaded", firstSeen: now, lastSeen: now, idleWindow: window };
        const isNew = window === undefined ? edges.observe(host, 80, 1, now) : edges.offer(seed);
        for (const gone of before.filter((name) => !edges.has(name))) {
          assert.equal(model.isInUse(gone), false, `${gone} was in use`);
          model.forget(gone);
        }
        if (isNew || (window === undefined && edges.has(host))) model.saw(host, window);
        assert.ok(edges.size <= Math.max(maxHosts, before.length));
      }
    }),
  );
});

test("T-11 the count of a host's requests stays an exact integer", () => {
  const edges = new FenceEdges(POLICY);
  edges.seed({ host: "b", source: "learned", firstSeen: 0, lastSeen: 0, requests: Number.MAX_SAFE_INTEGER - 2 });
  for (let n = 0; n < 3; n += 1) edges.observe("b", 80, 999_999_999, n);
  assert.equal(edges.hosts()[0]?.requests, Number.MAX_SAFE_INTEGER);
});

test("T-14 after a clock that went ahead was set back, hosts age by what is observed from then on", () => {
  const edges = new FenceEdges(POLICY);
  watch(edges, 0, 100, ["idle", "used"]);
  edges.telemetry(86_400_000);
  watch(edges, 200, 1_000, ["used"]);
  assert.deepEqual(edges.age(), [], "the jump itself counts for no more than a pause");
  watch(edges, 1_010, 1_400, ["used"]);
  assert.deepEqual(edges.age(), ["idle"]);
  assert.equal(edges.observedUntil, 1_400);
});

test("T-27 what was seen by a clock that was ahead counts as seen now once that is set back, and ageing goes on", () => {
  const edges = new FenceEdges({ idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 });
  const DAY = 86_400_000;
  edges.telemetry(DAY);
  edges.observe("a", 80, 1, DAY);
  edges.observe("b", 80, 1, DAY);
  // Back by a day: what another replica tells must count too, though it is before what we had seen.
  edges.observedElsewhere(10, 10);
  assert.deepEqual(
    edges.hosts().map(({ firstSeen, lastSeen }) => [firstSeen, lastSeen]),
    [
      [10, 10],
      [10, 10],
    ],
  );
  for (let now = 100; now <= 2_000; now += 100) {
    edges.observedElsewhere(now, now);
    edges.seenElsewhere("a", now);
  }
  assert.deepEqual(edges.age(), ["b"]);
});

test("T-27 a call is seen when it is seen, also where the host was seen in the future before", () => {
  const edges = new FenceEdges({ idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 });
  edges.observe("a", 80, 1, 86_400_000);
  edges.observe("a", 80, 1, 1_000);
  assert.deepEqual(
    edges.hosts().map(({ firstSeen, lastSeen }) => [firstSeen, lastSeen]),
    [[1_000, 1_000]],
  );
});

test("T-27 another replica whose clock is ahead advances observed time by no more than ours", () => {
  const edges = new FenceEdges({ idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 });
  edges.observedElsewhere(1_000_000, 100);
  assert.equal(edges.observedUntil, 100);
});

test("T-27 a clock that is set back before the first telemetry leaves no host seen in the future, restored or preloaded", () => {
  const edges = new FenceEdges(POLICY);
  edges.seed({ host: "restored", source: "learned", firstSeen: 10, lastSeen: 5_000 });
  edges.offer({ host: "preloaded", source: "preloaded", firstSeen: 5_000, lastSeen: 5_000 });
  edges.telemetry(100);
  const times = () => edges.hosts().map(({ firstSeen, lastSeen }) => [firstSeen, lastSeen]);
  assert.deepEqual(times(), [
    [100, 100],
    [10, 100],
  ]);
  // Time that goes on is no clock that was set back.
  edges.observe("restored", 80, 1, 200);
  edges.telemetry(300);
  assert.deepEqual(times(), [
    [100, 100],
    [10, 200],
  ]);
});
