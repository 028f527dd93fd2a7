import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Kind, type ObjectChange, type ObjectRef, refText } from "@fenceline/api";
import { VALVE, type Valve } from "@fenceline/api/testing";
import type { MeshChanges } from "@fenceline/store";
import { pino } from "pino";
import { Controller } from "./controller.ts";
import { KindDriver } from "./kind-driver.ts";
import { NO_OBJECTS } from "./testing/no-objects.ts";
import type { Triggers } from "./triggers.ts";

const nothing = () => {};
const refOf = (name: string, namespace = "test1"): ObjectRef => ({ kind: VALVE.name, namespace, name });
const MINUTE = 60_000;

function valve(name: string, namespace = "test1"): Valve {
  const metadata = { namespace, name };
  return VALVE.schema.parse({ apiVersion: "test.fenceline.io/v1", kind: "Valve", metadata, spec: { app: name, hosts: ["b"] } });
}

function changesOf(given: Partial<MeshChanges> & { readonly valves?: readonly ObjectChange<Valve>[] }): MeshChanges {
  const { valves = [], ...rest } = given;
  return {
    defaultSidecars: [],
    meshConfigs: [],
    disturbed: [],
    faults: [],
    foreign: [],
    of: <O>({ name }: Kind) => (name === VALVE.name ? valves : []) as readonly ObjectChange<unknown>[] as readonly ObjectChange<O>[],
    ...rest,
  };
}

/** A driver over valves in memory, on a real controller that tells which of them it looks at. */
function running(t: TestContext, triggers: Triggers<Valve> = {}) {
  const objects = new Map<string, Valve>();
  const looked: string[] = [];
  const state = { now: 0, gone: [] as ObjectRef[], faults: [] as string[] };
  const counter = { inc: nothing };
  const lines: { readonly msg: string; readonly [field: string]: unknown }[] = [];
  const metrics = {
    ...{ reconciles: counter, writes: counter, statusWrites: counter, delayedWrites: counter },
    ...{ observeObstacles: nothing, observeInFlight: nothing },
    kindFaults: { inc: ({ kind }: { readonly kind: string }) => void state.faults.push(kind) },
  };
  const controller = new Controller({
    store: NO_OBJECTS,
    metrics,
    logger: pino({ level: "silent" }),
    leads: () => false,
  });
  const reconciler = {
    kind: VALVE,
    observe: (of: ObjectRef) => {
      looked.push(of.name);
      return objects.get(refText(of));
    },
    desired: () => ({ objects: [], status: {} }),
    statusToWrite: () => undefined,
    forget: ({ name }: ObjectRef) => void looked.push(`forget ${name}`),
  };
  const source = { all: () => [...objects.values()], find: (of: ObjectRef) => objects.get(refText(of)) };
  const unused = () => assert.fail("the kind has its objects elsewhere");
  const driver = new KindDriver({
    driven: { kind: VALVE, reconciler, triggers: { ...triggers, objects: source } },
    controller,
    store: { snapshot: unused, objectOf: unused, goneOwners: () => state.gone, faulty: () => [] },
    metrics,
    logger: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    clock: () => state.now,
  });
  t.after(async () => {
    await driver.close();
    await controller.close();
  });
  /** What was looked at since it was last asked, in the order of names. */
  const taken = async () => {
    await controller.idle();
    return looked.splice(0).sort();
  };
  const put = (name: string, namespace?: string) => void objects.set(refText(refOf(name, namespace)), valve(name, namespace));
  return { driver, objects, looked, lines, state, taken, put };
}

test("at the start every object is looked at, and what is left of those that are gone", async (t) => {
  const { driver, put, state, taken } = running(t);
  for (const name of ["a", "b"]) put(name);
  state.gone = [refOf("gone")];
  driver.refresh();
  assert.deepEqual(await taken(), ["a", "b", "forget gone", "gone"]);
});

test("an object that changes is looked at, unless we wrote what changed; one that goes is forgotten", async (t) => {
  const opened: string[] = [];
  const { driver, put, objects, taken } = running(t, { open: ({ metadata }) => void opened.push(metadata.name) });
  for (const name of ["a", "b", "c"]) put(name);
  driver.refresh();
  await taken();
  opened.splice(0);
  objects.delete(refText(refOf("c")));
  const [a, b, c] = ["a", "b", "c"].map((name) => valve(name)) as [Valve, Valve, Valve];
  driver.changed(
    changesOf({
      valves: [
        { before: a, after: a },
        { before: b, after: b, isOurs: true },
        { before: c, after: undefined, isOurs: true },
      ],
    }),
  );
  assert.deepEqual(await taken(), ["a", "c", "forget c"]);
  assert.deepEqual(opened, ["a", "b"]);
});

test("a kind says itself which of its changes are news", async (t) => {
  const { driver, put, taken } = running(t, { isNews: ({ after }) => after?.metadata.name === "b" });
  for (const name of ["a", "b"]) put(name);
  driver.changed(changesOf({ valves: ["a", "b"].map((name) => ({ before: undefined, after: valve(name), isOurs: true })) }));
  assert.deepEqual(await taken(), ["b"]);
});

test("whoever touches what is rendered has its owner looked at; objects of others concern those only that the kind names", async (t) => {
  const disturbed: string[] = [];
  const { driver, put, taken } = running(t, {
    disturbed: ({ name }) => void disturbed.push(name),
    concernedBy: ({ foreign }) => (foreign.includes("test2") ? [refOf("other", "test2")] : []),
  });
  for (const name of ["a", "b"]) put(name);
  put("other", "test2");
  driver.refresh();
  await taken();
  driver.changed(changesOf({ disturbed: [refOf("b"), { ...refOf("a"), kind: "ServiceFence" }] }));
  assert.deepEqual([await taken(), disturbed], [["b"], ["b"]]);
  driver.changed(changesOf({ foreign: ["test2"] }));
  assert.deepEqual(await taken(), ["other"]);
  driver.changed(changesOf({ foreign: ["test1"] }));
  assert.deepEqual(await taken(), []);
});

test("what a change concerns is looked at: some, or all that there are", async (t) => {
  const held: { concerned: readonly ObjectRef[] | "all" } = { concerned: [refOf("b")] };
  const opened: string[] = [];
  const { driver, put, taken } = running(t, { concernedBy: () => held.concerned, open: ({ metadata }) => void opened.push(metadata.name) });
  for (const name of ["a", "b", "c"]) put(name);
  driver.refresh();
  await taken();
  opened.splice(0);
  driver.changed(changesOf({}));
  assert.deepEqual([await taken(), opened.splice(0)], [["b"], ["b"]]);
  held.concerned = "all";
  driver.changed(changesOf({}));
  assert.deepEqual(
    [await taken(), opened],
    [
      ["a", "b", "c"],
      ["a", "b", "c"],
    ],
  );
});

test("issue 14: a kind keeps up with changes after it was asked whom they concern, and before anything is looked at", async (t) => {
  const heard: string[] = [];
  const { driver, put, looked, taken } = running(t, {
    concernedBy: () => {
      heard.push("concerned");
      return "all";
    },
    keepUp: () => void heard.push(`keeps up, looked at ${looked.length}`),
  });
  put("a");
  driver.refresh();
  await taken();
  driver.changed(changesOf({}));
  assert.deepEqual(heard, ["concerned", "keeps up, looked at 0"]);
  assert.deepEqual(await taken(), ["a"]);
});

test("a new leader looks at every object, after the kind has heard of it", async (t) => {
  const { driver, put, looked, taken } = running(t, { lead: () => void looked.push("0 leads") });
  put("a");
  driver.lead();
  assert.deepEqual(looked.slice(0, 1), ["0 leads"]);
  assert.deepEqual(await taken(), ["0 leads", "a"]);
});

test("time has what is left of gone objects looked at, and every ten minutes all, with those whose end nobody told of", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const ticks: number[] = [];
  const { driver, put, objects, state, taken } = running(t, { interval: () => MINUTE, tick: () => void ticks.push(state.now) });
  const pass = (milliseconds: number, ticked: number) => {
    state.now += milliseconds;
    t.mock.timers.tick(ticked);
  };
  for (const name of ["a", "b"]) put(name);
  driver.refresh();
  await driver.start();
  await taken();
  objects.delete(refText(refOf("b")));
  state.gone = [refOf("left")];
  // Sooner than the kind's own interval.
  pass(10_000, 10_000);
  assert.deepEqual([await taken(), ticks.length], [["forget left", "left"], 0]);
  state.gone = [];
  pass(10 * MINUTE, MINUTE);
  assert.deepEqual([await taken(), ticks.length], [["a", "b", "forget b"], 1]);
});

test("a kind that wants to hear of time more often does so as soon as it says so", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const heard: string[] = [];
  const state = { interval: MINUTE };
  const { driver } = running(t, { interval: () => state.interval, tick: () => void heard.push("tick") });
  await driver.start();
  state.interval = 1_000;
  driver.changed(changesOf({}));
  t.mock.timers.tick(2_000);
  assert.deepEqual(heard, ["tick", "tick"]);
});

test("at the end the kind asks for what is to be written once more, and time has nothing looked at any more", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const heard: string[] = [];
  const { driver } = running(t, { interval: () => 1, tick: () => void heard.push("tick"), closing: () => void heard.push("closing") });
  await driver.start();
  t.mock.timers.tick(1);
  await driver.close();
  t.mock.timers.tick(10);
  assert.deepEqual(heard, ["tick", "closing"]);
});

const fail = () => assert.fail("a fault in what is particular to the kind");

test("issue 14: a fault in whom a change concerns leaves changes of objects looked at, is told, and has all looked at after a pause", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { driver, put, lines, state, taken } = running(t, { concernedBy: fail, keepUp: fail });
  for (const name of ["a", "b"]) put(name);
  driver.refresh();
  await taken();
  driver.changed(changesOf({ valves: [{ before: undefined, after: valve("b") }] }));
  assert.deepEqual([await taken(), state.faults], [["b"], ["Valve", "Valve"]]);
  assert.deepEqual(
    lines.map(({ level, kind, failures, msg }) => [level, kind, failures, msg]),
    [1, 2].map((failures) => [50, "Valve", failures, "changes of a kind not followed, will look at all its objects"]),
  );
  t.mock.timers.tick(999);
  assert.deepEqual(await taken(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(await taken(), ["a", "b"]);
  driver.changed(changesOf({}));
  t.mock.timers.tick(1_000);
  assert.deepEqual(await taken(), [], "the next time it takes twice as long");
  t.mock.timers.tick(1_000);
  assert.deepEqual(await taken(), ["a", "b"]);
});

test("issue 14: a fault with one object leaves the others looked at, and that one too", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { driver, put, state, taken } = running(t, {
    open: ({ metadata }) => (metadata.name === "a" ? fail() : undefined),
    isNews: ({ after }) => (after?.metadata.name === "a" ? fail() : true),
    disturbed: fail,
    lead: fail,
  });
  for (const name of ["a", "b"]) put(name);
  driver.lead();
  assert.deepEqual([await taken(), state.faults.length], [["a", "b"], 2]);
  driver.changed(changesOf({ valves: ["a", "b"].map((name) => ({ before: undefined, after: valve(name) })), disturbed: [refOf("a")] }));
  assert.deepEqual([await taken(), state.faults.length], [["a", "b"], 4]);
});

test("issue 14: a fault when time passes ends nothing, and faults are a new row after five minutes without any", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { driver, lines, state } = running(t, { interval: fail, tick: fail, closing: fail });
  await driver.start();
  t.mock.timers.tick(10_000);
  assert.deepEqual(
    lines.map(({ failures }) => failures),
    [1, 2],
  );
  state.now += 5 * MINUTE;
  t.mock.timers.tick(10_000);
  assert.equal(lines.at(-1)?.failures, 1);
  await driver.close();
  t.mock.timers.tick(10 * MINUTE);
  assert.equal(state.faults.length, 4);
});
