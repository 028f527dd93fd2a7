import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FencelineError, formatFenceKey, objectsByKind, type ReadKind, SERVICE, type Service, type ServicePort } from "@fenceline/api";
import type { MeshChanges, MeshSnapshot, ServiceKey, ServicePortsAuthor, Store } from "@fenceline/store";
import { pino } from "pino";
import { CollectorMetrics } from "../metrics.ts";
import { CONFIG, changesOf, meshOf, snapshotOf } from "../testing/mesh.ts";
import { FallbackService } from "./fallback-service.ts";

const FALLBACK =
  "{apiVersion: v1, kind: Service, metadata: {name: global-sidecar, namespace: mesh-operator}, spec: {ports: [{name: http-80, port: 80}]}}";

function web(...ports: readonly number[]): string {
  const list = ports.map((port) => `{name: http-${port}, port: ${port}}`).join(", ");
  return `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [${list}]}}`;
}

/** Services that a test changes; a write into them makes a new snapshot, as in a cluster. */
class ServicesOnly implements Pick<Store, "snapshot" | "objectOf" | "ports" | "isKnown"> {
  readonly writes: number[][] = [];
  /** How often somebody asked for everything that there is. */
  looks = 0;
  readonly givenUp: number[] = [];
  readonly ports: ServicePortsAuthor = { add: (...write) => this.#add(...write) };
  readonly isKnown = () => true;
  /** Errors of the next writes. */
  readonly refusals: string[] = [];
  #services: readonly Service[] = [];
  #onChange: (changes: Pick<MeshChanges, "of">) => void = () => {};

  become(...manifests: readonly string[]): void {
    this.#put(snapshotOf(manifests.join("\n---\n")).services);
  }

  /** Tells what is another object than before, as a store does. */
  #put(after: readonly Service[]): void {
    const byName = (services: readonly Service[]) => new Map(services.map((service) => [formatFenceKey(service.metadata), service]));
    const [old, now] = [byName(this.#services), byName(after)];
    this.#services = after;
    const names = new Set([...old.keys(), ...now.keys()]);
    this.#onChange(
      changesOf(
        SERVICE,
        [...names].map((name) => ({ before: old.get(name), after: now.get(name) })),
      ),
    );
  }

  onChange(listener: (changes: Pick<MeshChanges, "of">) => void): void {
    this.#onChange = listener;
  }

  snapshot(): MeshSnapshot {
    this.looks += 1;
    return objectsByKind(this.#services);
  }

  objectOf<O>(_kind: ReadKind<O>, key: ServiceKey): O | undefined {
    return this.#services.find(({ metadata }) => formatFenceKey(metadata) === formatFenceKey(key)) as O | undefined;
  }

  async #add({ name }: ServiceKey, ports: readonly ServicePort[], givenUp: readonly number[] = []): Promise<boolean> {
    this.writes.push(ports.map(({ port }) => port));
    this.givenUp.push(...givenUp);
    await setImmediate();
    const code = this.refusals.shift();
    if (code !== undefined) throw new FencelineError(code, { message: "refused" });
    const after = this.#services.map((service) => {
      const kept = service.spec.ports.filter(({ port }) => !givenUp.includes(port));
      const widened = { ...service, spec: { ...service.spec, ports: [...kept, ...ports] } };
      return service.metadata.name === name ? widened : service;
    });
    this.#put(after);
    return true;
  }
}

function running(t: TestContext, backoff = { first: 1, longest: 1 }) {
  const store = new ServicesOnly();
  const metrics = new CollectorMetrics();
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line) => void warnings.push(JSON.parse(line).msg) });
  const state = { leads: true, now: 0, mesh: meshOf("") };
  const controller = new FallbackService({
    store,
    mesh: () => state.mesh,
    config: CONFIG,
    metrics,
    logger,
    leads: () => state.leads,
    clock: () => state.now,
    backoff,
  });
  store.onChange((changes) => controller.changed(changes));
  t.after(() => controller.close());
  const untilWrites = async (count: number) => {
    while (store.writes.length < count) await setImmediate();
    await controller.idle();
  };
  return { store, metrics, warnings, state, controller, untilWrites };
}

test("ports that services declare as HTTP are added at once, together, and only when one is missing", async (t) => {
  const { store, metrics, controller } = running(t);
  store.become(FALLBACK, web(80, 8_080, 9_090));
  await controller.idle();
  assert.deepEqual(store.writes, [[8_080, 9_090]]);
  assert.deepEqual(controller.counts(), { declared: 3, missing: 0 });
  for (let snapshots = 0; snapshots < 10; snapshots += 1) controller.refresh();
  await controller.idle();
  assert.equal(store.writes.length, 1);
  assert.match(await metrics.registry.metrics(), /^fenceline_writes_total\{kind="Service",action="update"\} 1$/m);
});

test("issue 14: neither a change nor a scrape has every Service looked at", async (t) => {
  const { store, controller } = running(t);
  store.become(FALLBACK, web(8_080, 9_090));
  await controller.idle();
  controller.refresh();
  assert.deepEqual([controller.counts(), store.writes.length], [{ declared: 3, missing: 0 }, 1]);
  assert.equal(store.looks, 1, "at the start");
});

test("a port that a service declares while another is being added follows it", async (t) => {
  const { store, controller } = running(t);
  store.become(FALLBACK, web(8_080));
  assert.equal(store.writes.length, 1);
  store.become(FALLBACK, web(8_080, 9_090));
  await controller.idle();
  assert.deepEqual(store.writes, [[8_080], [9_090]]);
});

test("whoever does not lead counts, and writes nothing until it leads", async (t) => {
  const { store, state, controller } = running(t);
  state.leads = false;
  store.become(FALLBACK, web(8_080));
  await controller.idle();
  assert.deepEqual([store.writes, controller.counts()], [[], { declared: 1, missing: 1 }]);
  state.leads = true;
  controller.refresh();
  await controller.idle();
  assert.deepEqual(store.writes, [[8_080]]);
});

test("a refused write is warned of once and tried again; snapshots meanwhile bring no try forward", async (t) => {
  const { store, warnings, controller, untilWrites } = running(t, { first: 60_000, longest: 60_000 });
  store.refusals.push("KUBERNETES_FORBIDDEN");
  store.become(FALLBACK, web(8_080));
  controller.refresh();
  await untilWrites(1);
  for (let snapshots = 0; snapshots < 10; snapshots += 1) store.become(FALLBACK, web(8_080, 9_000 + snapshots));
  await controller.idle();
  assert.equal(store.writes.length, 1);
  assert.equal(controller.counts().missing, 2);
  assert.deepEqual(warnings, ["write failed, will retry"]);
});

test("once the right is there, the next try adds what is missing then", async (t) => {
  const { store, warnings, untilWrites } = running(t);
  store.refusals.push("KUBERNETES_FORBIDDEN", "KUBERNETES_FORBIDDEN", "KUBERNETES_FORBIDDEN");
  store.become(FALLBACK, web(8_080));
  store.become(FALLBACK, web(8_080, 9_090));
  await untilWrites(4);
  assert.deepEqual(store.writes.at(-1), [8_080, 9_090]);
  assert.equal(warnings.length, 1);
});

test("a Service that is not there is warned of once, and gets its ports when it comes", async (t) => {
  const { store, warnings, controller } = running(t);
  store.become(web(8_080));
  store.become(web(8_080, 9_090));
  assert.deepEqual(warnings, ["write blocked, action needed"]);
  assert.deepEqual(controller.counts(), { declared: 0, missing: 0 });
  store.become(FALLBACK, web(8_080));
  await controller.idle();
  assert.deepEqual(store.writes, [[8_080]]);
});

test("ports that somebody takes away again and again come back ever more slowly, and new ones with the next try", async (t) => {
  const { store, state, controller, untilWrites } = running(t);
  store.become(FALLBACK, web(8_080));
  await controller.idle();
  store.become(FALLBACK, web(8_080));
  await setImmediate();
  assert.equal(store.writes.length, 1);
  state.now += 1_000;
  await untilWrites(2);
  store.become(FALLBACK, web(8_080));
  state.now += 1_999;
  await setImmediate();
  assert.equal(store.writes.length, 2);
  store.become(FALLBACK, web(8_080, 9_090));
  await untilWrites(3);
  assert.deepEqual(store.writes, [[8_080], [8_080], [9_090]]);
});

test("a number that cannot be added is warned of, and counts as missing", (t) => {
  const { store, warnings, controller } = running(t);
  store.become(FALLBACK.replace("[{name: http-80, port: 80}]", "[]"), web(8_080));
  assert.equal(warnings.length, 1);
  assert.deepEqual(controller.counts(), { declared: 0, missing: 1 });
});

test("nothing is added while the Service's namespace is being deleted", async (t) => {
  const { store, state, controller, untilWrites } = running(t);
  state.mesh = meshOf(
    `{apiVersion: v1, kind: Namespace, metadata: {name: ${CONFIG.namespace}, deletionTimestamp: "2026-01-01T00:00:00Z"}}`,
  );
  store.become(FALLBACK, web(8_080));
  await controller.idle();
  assert.deepEqual([store.writes, controller.counts()], [[], { declared: 1, missing: 1 }]);
  state.mesh = meshOf(`{apiVersion: v1, kind: Namespace, metadata: {name: ${CONFIG.namespace}}}`);
  controller.refresh();
  await untilWrites(1);
  assert.deepEqual(store.writes, [[8_080]]);
});

test("a store that cannot add ports is left alone", (t) => {
  const { metrics, controller, store } = running(t);
  const folder = { snapshot: () => store.snapshot(), objectOf: () => assert.fail(), isKnown: () => true };
  store.become(FALLBACK, web(8_080));
  const standalone = new FallbackService({
    ...{ store: folder, mesh: () => meshOf(""), config: CONFIG, metrics, logger: pino({ level: "silent" }) },
    leads: () => true,
  });
  standalone.refresh();
  assert.deepEqual(standalone.counts(), { declared: 0, missing: 0 });
  return controller.idle();
});

/** A Service of another namespace with 260 HTTP ports. */
const THIEF = web(...Array.from({ length: 260 }, (_, index) => 20_000 + index)).replace(
  "name: web, namespace: shop",
  "name: aaa, namespace: aaa",
);

test("T-08 a Service that takes every place keeps no other namespace out, whichever came first, and is named", async (t) => {
  const { store, warnings, controller } = running(t);
  store.become(FALLBACK, THIEF);
  await controller.idle();
  assert.deepEqual(controller.counts(), { declared: 250, missing: 11 });
  assert.deepEqual(warnings, ["write blocked, action needed"]);
  const [live] = store.snapshot().of(SERVICE);
  store.become(JSON.stringify(live), THIEF, web(8_080));
  await controller.idle();
  assert.deepEqual([store.writes.at(-1), store.givenUp.length], [[8_080], 1]);
});

test("T-08 what nobody declares any more makes room after ten minutes, also in a quiet mesh after the next look, and not before", async (t) => {
  const { store, state, controller } = running(t);
  store.become(FALLBACK, THIEF);
  await controller.idle();
  const [live] = store.snapshot().of(SERVICE);
  const late = web(20_000, ...Array.from({ length: 12 }, (_, index) => 1_000 + index));
  store.become(JSON.stringify(live), late);
  await controller.idle();
  assert.equal(store.givenUp.length, 0, "the ports may be back in a moment");
  state.now += 599_999;
  controller.refresh();
  await controller.idle();
  assert.equal(store.givenUp.length, 0);
  state.now += 1;
  controller.refresh();
  await controller.idle();
  assert.equal(store.givenUp.length, 12);
  assert.deepEqual(controller.counts(), { declared: 250, missing: 0 });
});
