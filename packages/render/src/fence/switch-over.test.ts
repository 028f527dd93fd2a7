import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYTHING, parkedHosts, type Sidecar, sidecarHosts, withHosts } from "@fenceline/api";
import fc from "fast-check";
import { EgressCover } from "./egress-cover.ts";
import { ParkedHosts } from "./parked-hosts.ts";
import { switchOver } from "./switch-over.ts";

const PAUSE = 100;
const ALWAYS = "istio-system/*";
const EMPTY: Sidecar = {
  apiVersion: "networking.istio.io/v1beta1",
  kind: "Sidecar",
  metadata: { name: "a", namespace: "test1", labels: {} },
  spec: { workloadSelector: { labels: { app: "a" } }, egress: [] },
};
const showing = (...hosts: string[]) => withHosts(EMPTY, [ALWAYS, ...hosts], []);

/** A fence's Sidecar over time: each step is made from the one before it. */
class Fence {
  sidecar: Sidecar | undefined;
  now = 0;
  nextAt: number | undefined;
  parked = new ParkedHosts();
  readonly isAwaited: (egress: string) => boolean;

  constructor(sidecar: Sidecar | undefined, isAwaited: (egress: string) => boolean = () => false) {
    this.sidecar = sidecar;
    this.isAwaited = isAwaited;
    this.parked.see(sidecar, 0);
  }

  step(wanted: Sidecar | undefined, after = 0): void {
    this.now += after;
    const { sidecar: present, now, parked, isAwaited } = this;
    parked.see(present, now);
    const { sidecar, nextAt } = switchOver({ present, wanted, now, parked, isAwaited, pause: PAUSE });
    this.sidecar = sidecar;
    this.nextAt = nextAt;
    parked.see(sidecar, now);
  }

  /** Another process goes on with it. */
  crash(): void {
    this.parked = new ParkedHosts();
  }

  get shown(): readonly string[] {
    return this.sidecar === undefined ? [EVERYTHING] : sidecarHosts(this.sidecar);
  }

  get held(): readonly string[] {
    return this.sidecar === undefined ? [] : parkedHosts(this.sidecar);
  }
}

test("a host that leaves is parked, in a listener that nobody can reach, and goes in the next step", () => {
  const fence = new Fence(showing("test1/b", "test1/c"));
  fence.step(showing("test1/b"));
  assert.deepEqual(fence.sidecar?.spec.egress, [
    {
      port: { number: 0, protocol: "HTTP", name: "http-parked" },
      bind: "unix://@fenceline-parked",
      captureMode: "NONE",
      hosts: ["test1/c"],
    },
    { hosts: [ALWAYS, "test1/b"] },
  ]);
  assert.equal(fence.nextAt, PAUSE);
  fence.step(showing("test1/b"), PAUSE - 1);
  assert.deepEqual(fence.held, ["test1/c"]);
  fence.step(showing("test1/b"), 1);
  assert.deepEqual([fence.sidecar, fence.nextAt], [showing("test1/b"), undefined]);
});

test("a host that comes is parked first, but not where calls to it are awaited", () => {
  const fence = new Fence(showing(), (egress) => egress === "test1/web");
  const wanted = showing("test1/db", "test1/web");
  fence.step(wanted);
  assert.deepEqual([fence.shown, fence.held], [[ALWAYS, "test1/web"], ["test1/db"]]);
  fence.step(wanted, PAUSE);
  assert.deepEqual(fence.sidecar, wanted);
});

test("a host that is called again while it is parked comes straight back", () => {
  const fence = new Fence(showing("test1/db"));
  fence.step(showing());
  fence.step(showing("test1/db"), 1);
  assert.deepEqual(fence.sidecar, showing("test1/db"));
});

test("after a crash a parked host waits once more, whichever way it goes", () => {
  for (const wanted of [showing(), showing("test1/db")]) {
    const fence = new Fence(showing("test1/db"));
    fence.step(showing());
    fence.crash();
    fence.step(wanted, 10 * PAUSE);
    assert.deepEqual([fence.shown, fence.held], [[ALWAYS], ["test1/db"]]);
    fence.step(wanted, PAUSE);
    assert.deepEqual(fence.sidecar, wanted);
  }
});

test("hosts that leave together share their two steps", () => {
  const hosts = Array.from({ length: 50 }, (_, index) => `test1/s${index}`);
  const fence = new Fence(showing(...hosts));
  fence.step(showing());
  assert.equal(fence.held.length, 50);
  fence.step(showing(), PAUSE);
  assert.deepEqual(fence.sidecar, showing());
});

test("a first Sidecar parks the rest of the mesh, and a last one the whole of it", () => {
  const fence = new Fence(undefined);
  fence.step(showing("test1/b"));
  assert.deepEqual([fence.shown, fence.held], [[ALWAYS, "test1/b"], [EVERYTHING]]);
  fence.step(showing("test1/b"), PAUSE);
  assert.deepEqual(fence.sidecar, showing("test1/b"));
  fence.step(undefined);
  assert.deepEqual([fence.shown, fence.held], [[ALWAYS, "test1/b"], [EVERYTHING]]);
  fence.step(undefined, PAUSE);
  assert.equal(fence.sidecar, undefined);
  assert.deepEqual([fence.parked.revealedAt(PAUSE), fence.nextAt], [fence.now + PAUSE, undefined]);
});

test("what a wildcard includes is never hidden on the way to it, nor on the way from it", () => {
  const fence = new Fence(showing("test1/db"));
  fence.step(showing("test1/*"));
  assert.deepEqual([fence.shown, fence.held], [[ALWAYS, "test1/db"], ["test1/*"]]);
  fence.step(showing("test1/*"), PAUSE);
  assert.deepEqual(fence.sidecar, showing("test1/*"));
  fence.step(showing("test1/db"));
  assert.deepEqual([fence.shown, fence.held], [[ALWAYS, "test1/db"], ["test1/*"]]);
});

test("a Sidecar that the API server would refuse is no step", () => {
  const many = (name: string) => Array.from({ length: 6_000 }, (_, index) => `test1/${name.repeat(100)}-${index}`);
  const fence = new Fence(showing(...many("a")));
  fence.step(showing(...many("b")));
  assert.deepEqual([fence.sidecar, fence.nextAt], [showing(...many("b")), undefined]);
});

const NAMES = ["test1/a", "test1/b", "test2/a", "test1/a.x", "test1/b.x"] as const;
const HOST = fc.constantFrom(...NAMES, "test1/*", "*/a", "test1/*.x");
const WANTED = fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 5, arbitrary: fc.uniqueArray(HOST, { maxLength: 5 }) });
const EVENT = fc.record({ wanted: WANTED, after: fc.constantFrom(0, 1, 30, PAUSE, 3 * PAUSE), crash: fc.boolean() });
/** Calls to these are awaited by the Envoy. */
const AWAITED: ReadonlySet<string> = new Set(["test1/a", "test2/a"]);

/** What an Envoy has of one host, and whether it got there without a lost request. */
class InEnvoy {
  readonly #host: string;
  #hasRoute = false;
  #hiddenAt = Number.NEGATIVE_INFINITY;
  #clusterAt: number | undefined;
  /** It had a route since it has this cluster. */
  #wasShown = false;

  constructor(host: string) {
    this.#host = host;
  }

  take({ shown, held, now }: Fence): void {
    const hasRoute = new EgressCover(shown).includes(this.#host);
    const hasCluster = hasRoute || new EgressCover(held).includes(this.#host);
    if (hasRoute && !this.#hasRoute) this.#requireCluster(now);
    if (!hasRoute && this.#hasRoute) {
      assert.ok(hasCluster, `${this.#host} goes without having been parked`);
      this.#hiddenAt = now;
    }
    if (!hasCluster && this.#clusterAt !== undefined)
      assert.ok(now - this.#hiddenAt >= PAUSE, `${this.#host} goes ${now - this.#hiddenAt} ms after it was parked`);
    this.#hasRoute = hasRoute;
    this.#clusterAt = hasCluster ? (this.#clusterAt ?? now) : undefined;
    this.#wasShown = hasCluster && (this.#wasShown || hasRoute);
  }

  #requireCluster(now: number): void {
    if (AWAITED.has(this.#host) || this.#wasShown) return;
    assert.ok(this.#clusterAt !== undefined && now - this.#clusterAt >= PAUSE, `${this.#host} comes before its cluster`);
  }
}

test("whatever is wanted, and whoever dies on the way: a host goes only after it was parked, comes only when its cluster is there, and the end is what is wanted", () => {
  fc.assert(
    fc.property(fc.array(EVENT, { minLength: 1, maxLength: 25 }), (events) => {
      const fence = new Fence(showing(), (egress) => AWAITED.has(egress));
      const envoy = NAMES.map((host) => new InEnvoy(host));
      const step = (wanted: Sidecar | undefined, after: number) => {
        fence.step(wanted, after);
        for (const host of envoy) host.take(fence);
      };
      for (const host of envoy) host.take(fence);
      let wanted: Sidecar | undefined;
      for (const event of events) {
        wanted = event.wanted === undefined ? undefined : showing(...event.wanted);
        if (event.crash) fence.crash();
        step(wanted, event.after);
      }
      for (let steps = 0; fence.nextAt !== undefined; steps += 1) {
        assert.ok(steps < 4, "it never ends");
        step(wanted, Math.max(0, fence.nextAt - fence.now));
      }
      assert.deepEqual(fence.sidecar, wanted);
    }),
    { numRuns: 1_000 },
  );
});
