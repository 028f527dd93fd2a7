import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type ObjectRef, type Sidecar, type SpecFault, sidecarHosts } from "@fenceline/api";
import type { Change, Obstacle } from "@fenceline/store";
import { pino } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";
import { Controller } from "./controller.ts";
import { type Desired, desiredOf, type Reconciler } from "./reconciler.ts";
import { NO_OBJECTS } from "./testing/no-objects.ts";

/** A kind that lives only here: `hosts` are rendered as a Sidecar, and counted in the status. */
interface Widget {
  readonly hosts: readonly string[];
  readonly refused?: Desired<unknown>["refused"];
  readonly nextStepIn?: number;
}
interface WidgetStatus {
  readonly rendered: number;
}

const A: ObjectRef = { kind: "Widget", namespace: "test1", name: "a" };
const B: ObjectRef = { kind: "Widget", namespace: "test1", name: "b" };

function sidecarOf({ namespace, name }: ObjectRef, hosts: readonly string[]): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: { namespace, name, labels: {} },
    spec: { workloadSelector: { labels: { app: name } }, egress: [{ hosts: [...hosts] }] },
  };
}

const nothing = () => {};
const METRICS: ControlMetrics = {
  reconciles: { inc: nothing },
  writes: { inc: nothing },
  statusWrites: { inc: nothing },
  delayedWrites: { inc: nothing },
  kindFaults: { inc: nothing },
  observeObstacles: nothing,
  observeInFlight: nothing,
};

/** A controller over widgets and a store in memory that tells, in order, what was written. */
function setUp({
  leads = true,
  clock,
  everyReplicaWritesStatus = true,
}: {
  readonly leads?: boolean;
  readonly clock?: () => number;
  readonly everyReplicaWritesStatus?: boolean;
} = {}) {
  const widgets = new Map<string, Widget>();
  const objects = new Map<string, Sidecar>();
  const statuses = new Map<string, WidgetStatus>();
  const written: string[] = [];
  const lines: { readonly msg: string; readonly [field: string]: unknown }[] = [];
  const held: { gate?: Promise<void>; obstacle?: Obstacle | undefined; fault?: SpecFault | undefined } = {};
  const reconciler: Reconciler<{ readonly of: ObjectRef; readonly widget: Widget }, WidgetStatus> = {
    kind: { name: "Widget", errorPrefix: "WIDGET", ...(everyReplicaWritesStatus && { mergeStatus: ({ desired }) => desired }) },
    observe: (of) => {
      const widget = widgets.get(of.name);
      return widget && { of, widget };
    },
    desired: ({ of, widget }): Desired<WidgetStatus> => ({
      objects: [sidecarOf(of, widget.hosts)],
      status: { rendered: objects.get(of.name)?.spec.egress[0]?.hosts.length ?? 0 },
      ...(widget.refused && { refused: widget.refused }),
      nextStepIn: widget.nextStepIn,
    }),
    statusToWrite: (of, { status }) => (statuses.get(of.name)?.rendered === status.rendered ? undefined : status),
    widening: (change) =>
      sidecarHosts(change.object).length > [change.before ?? []].flat().flatMap(sidecarHosts).length ? change : undefined,
    forget: (of) => void written.push(`forget ${of.name}`),
  };
  const controller = new Controller({
    store: {
      faultOf: () => held.fault,
      ownedBy: (owner) => [objects.get(owner.name) ?? []].flat(),
      apply: async (change: Change) => {
        await held.gate;
        if (held.obstacle !== undefined) return held.obstacle;
        written.push(`${change.action} ${change.object.kind} ${change.owner.name}`);
        if (change.action === "delete") objects.delete(change.owner.name);
        else objects.set(change.owner.name, change.object as Sidecar);
        return undefined;
      },
      sidecars: {
        widen: async (change, onAdded) => {
          onAdded?.();
          written.push(`widen ${change.object.kind} ${change.owner.name}`);
          objects.set(change.owner.name, change.object as Sidecar);
          return undefined;
        },
        widenedAt: () => undefined,
      },
      writeStatus: async (of, status) => {
        const { rendered } = status as WidgetStatus;
        written.push(`status ${of.name} ${rendered}`);
        statuses.set(of.name, { rendered });
        return undefined;
      },
      deleteStatus: async (of) => void statuses.delete(of.name),
    },
    metrics: METRICS,
    logger: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    leads: () => leads,
    ...(clock && { clock }),
  });
  controller.add(reconciler);
  return { reconciler, controller, widgets, objects, written, lines, held };
}

test("what is rendered is written before the status, which says what is true then", async () => {
  const { controller, widgets, written } = setUp();
  widgets.set("a", { hosts: ["x", "y"] });
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["create Sidecar a", "status a 2"]);
});

test("nothing is written for an object that is as desired already", async () => {
  const { controller, widgets, written } = setUp();
  widgets.set("a", { hosts: ["x"] });
  controller.enqueue(A);
  await controller.idle();
  written.length = 0;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, []);
});

test("an object that is gone is forgotten, and what was rendered for it goes", async () => {
  const { controller, widgets, written } = setUp();
  widgets.set("a", { hosts: ["x"] });
  controller.enqueue(A);
  await controller.idle();
  widgets.delete("a");
  written.length = 0;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["forget a", "delete Sidecar a"]);
});

test("issue 14: an object of any kind that is refused is told of in the log once, until the reason is another one or it is made anew", async () => {
  const { controller, widgets, lines } = setUp();
  const told = async (reason: string | undefined) => {
    if (reason === undefined) widgets.delete("a");
    else widgets.set("a", { hosts: [], ...(reason !== "" && { refused: { reason, message: `no: ${reason}` } }) });
    controller.enqueue(A);
    await controller.idle();
    return lines.splice(0).filter(({ msg }) => msg === "not rendered");
  };
  const [line, ...others] = await told("Reserved");
  assert.partialDeepStrictEqual(line, { level: 40, widget: "test1/a", reason: "Reserved", detail: "no: Reserved" });
  assert.deepEqual([others, await told("Reserved")], [[], []]);
  assert.deepEqual((await told("TooMany")).length, 1);
  assert.deepEqual([await told(""), (await told("TooMany")).length], [[], 1]);
});

test("issue 14: a refused object that is deleted and made again is told of again; of a namespace three in ten seconds", async () => {
  const { controller, widgets, lines } = setUp();
  for (let turn = 0; turn < 5; turn += 1) {
    widgets.set("a", { hosts: [], refused: { reason: "Reserved", message: "no" } });
    controller.enqueue(A);
    await controller.idle();
    widgets.delete("a");
    controller.enqueue(A);
    await controller.idle();
  }
  assert.equal(lines.filter(({ msg }) => msg === "not rendered").length, 3);
});

test("a replica that does not lead writes statuses and nothing else", async () => {
  const { controller, widgets, objects, written } = setUp({ leads: false });
  widgets.set("a", { hosts: ["x"] });
  objects.set("a", sidecarOf(A, ["w", "x"]));
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["status a 2"]);
});

test("where the leader alone writes statuses, another replica writes nothing", async () => {
  const { controller, widgets, objects, written } = setUp({ leads: false, everyReplicaWritesStatus: false });
  widgets.set("a", { hosts: ["x"] });
  objects.set("a", sidecarOf(A, ["x"]));
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, []);
});

test("many requests while one is carried out become one", async () => {
  const { controller, widgets, written } = setUp();
  widgets.set("a", { hosts: ["x"] });
  for (let hosts = 1; hosts <= 20; hosts += 1) {
    widgets.set("a", { hosts: Array.from({ length: hosts }, (_, index) => `h${index}`) });
    controller.enqueue(A);
  }
  await controller.idle();
  // The first run had begun with one host.
  assert.deepEqual(written, ["create Sidecar a", "status a 1", "update Sidecar a", "status a 20"]);
});

test("an obstacle of one object holds up no other, and is told once with the object's name", async () => {
  const { controller, widgets, written, lines, held } = setUp();
  widgets.set("a", { hosts: ["x"] });
  held.obstacle = { ...A, kind: "Sidecar", reason: "Conflict", message: "somebody else's" };
  controller.enqueue(A);
  await controller.idle();
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(controller.obstacles(A), [held.obstacle]);
  const blocked = lines.filter(({ msg }) => msg === "write blocked, action needed");
  assert.deepEqual(
    blocked.map(({ widget, reason }) => [widget, reason]),
    [["test1/a", "Conflict"]],
  );
  held.obstacle = undefined;
  widgets.set("b", { hosts: ["x"] });
  controller.enqueue(B);
  await controller.idle();
  assert.ok(written.includes("create Sidecar b"));
  await controller.close();
});

test("what an object asks for can be had without a write", () => {
  const { reconciler, widgets, written } = setUp();
  widgets.set("a", { hosts: ["x"] });
  assert.deepEqual(desiredOf(reconciler, A)?.objects, [sidecarOf(A, ["x"])]);
  assert.equal(desiredOf(reconciler, B), undefined);
  assert.deepEqual(written, []);
});

test("a run that a call waits for goes before those that nobody waits for", async () => {
  const { controller, widgets, written, held } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  held.gate = promise;
  const names = Array.from({ length: 10 }, (_, index) => `w${index}`);
  for (const name of [...names, "urgent"]) widgets.set(name, { hosts: ["x"] });
  for (const name of names) controller.enqueue({ ...A, name });
  controller.enqueue({ ...A, name: "urgent" }, true);
  resolve();
  await controller.idle();
  const created = written.filter((line) => line.startsWith("create"));
  // Four at most were under way before: a slow machine lets the event loop turn before that.
  assert.ok(created.indexOf("create Sidecar urgent") <= 4, created.join());
});

test("T-08 calls to twenty objects of one namespace keep what a call of another waits for behind one of them", async () => {
  const { controller, widgets, written, held } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  held.gate = promise;
  const names = Array.from({ length: 20 }, (_, index) => `w${index}`);
  for (const name of [...names, "other"]) widgets.set(name, { hosts: ["x"] });
  for (const name of names) controller.enqueue({ ...A, name }, true);
  controller.enqueue({ ...A, namespace: "other", name: "other" }, true);
  resolve();
  await controller.idle();
  const created = written.filter((line) => line.startsWith("create"));
  // Four at most were under way before, and it may be the turn of the others then.
  assert.ok(created.indexOf("create Sidecar other") <= 5, created.join());
});

test("a replica that does not lead adds what a call waits for where no leader does, and not before one had its time", async () => {
  let now = 0;
  const { controller, widgets, objects, written } = setUp({ leads: false, clock: () => now });
  widgets.set("a", { hosts: ["x", "y"] });
  objects.set("a", sidecarOf(A, ["x"]));
  controller.enqueue(A);
  await controller.idle();
  now = 299;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["status a 1"]);
  now = 300;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["status a 1", "widen Sidecar a", "status a 2"]);
  await controller.close();
});

test("a replica that does not lead writes nothing that its leader has written meanwhile, and takes nothing away", async () => {
  let now = 0;
  const { controller, widgets, objects, written } = setUp({ leads: false, clock: () => now });
  widgets.set("a", { hosts: ["x", "y"] });
  objects.set("a", sidecarOf(A, ["x"]));
  controller.enqueue(A);
  await controller.idle();
  objects.set("a", sidecarOf(A, ["x", "y", "z"]));
  now = 1_000;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(
    written.filter((line) => !line.startsWith("status")),
    [],
  );
  await controller.close();
});

for (const [who, leads, obstacle] of [
  ["a replica that does not lead", false, undefined],
  ["a leader that cannot write", true, { ...A, kind: "Sidecar", reason: "Conflict", message: "somebody else's" }],
] as const)
  test(`issue 15: ${who} does not come back for the step behind one that was not carried out`, async (t) => {
    const { controller, widgets, reconciler, held } = setUp({ leads });
    held.obstacle = obstacle;
    const observe = t.mock.method(reconciler, "observe");
    widgets.set("a", { hosts: ["x"], nextStepIn: 10 });
    controller.enqueue(A);
    await controller.idle();
    const runs = observe.mock.callCount();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    controller.enqueue(A);
    await controller.idle();
    for (let turn = 0; turn < 10; turn += 1) {
      t.mock.timers.tick(10);
      await setImmediate();
    }
    assert.equal(observe.mock.callCount(), 2 * runs);
    await controller.close();
  });

test("issue 15: who carried a step out, or finds it done, comes back for the next one", async (t) => {
  const { controller, widgets, objects, reconciler } = setUp({ leads: false });
  const observe = t.mock.method(reconciler, "observe");
  widgets.set("a", { hosts: ["x"], nextStepIn: 10 });
  objects.set("a", sidecarOf(A, ["x"]));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  controller.enqueue(A);
  await controller.idle();
  const runs = observe.mock.callCount();
  t.mock.timers.tick(10);
  await controller.idle();
  assert.ok(observe.mock.callCount() > runs);
  await controller.close();
});

test("issue 14: kinds that run on one controller share its budget of writes, its limit of writes under way, and its gauges", async (t) => {
  const observed: string[] = [];
  const metrics: ControlMetrics = {
    ...METRICS,
    observeInFlight: () => void observed.push("in flight"),
    observeObstacles: () => void observed.push("obstacles"),
  };
  const { promise: gate, resolve } = Promise.withResolvers<void>();
  const written: Change[] = [];
  let [underWay, most] = [0, 0];
  const apply = async (change: Change) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await gate;
    underWay -= 1;
    written.push(change);
    return undefined;
  };
  const store = { ...NO_OBJECTS, apply };
  const controller = new Controller({ store, metrics, logger: pino({ level: "silent" }), leads: () => true, clock: () => 0 });
  t.after(() => controller.close());
  for (const kind of ["Widget", "Gadget"]) {
    controller.add({
      kind: { name: kind, errorPrefix: kind },
      observe: (of) => of,
      desired: (of) => ({ objects: [sidecarOf(of as ObjectRef, ["x"])], status: {} }),
      statusToWrite: () => undefined,
    });
    // More than the whole budget, together.
    for (let index = 0; index < 400; index += 1) controller.enqueue({ kind, namespace: `n${index}`, name: kind.toLowerCase() });
  }
  await setImmediate();
  assert.equal(most, 4);
  resolve();
  await controller.idle();
  assert.equal(written.length, 750);
  assert.deepEqual(observed.sort(), ["in flight", "obstacles"]);
});

test("T-17 what is rendered for an object that cannot be read stays, and it is not forgotten", async () => {
  const { controller, objects, written, held } = setUp();
  objects.set("a", sidecarOf(A, ["x"]));
  held.fault = { message: "spec.hosts: expected a list", generation: 2, status: {} };
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, []);
  held.fault = undefined;
  controller.enqueue(A);
  await controller.idle();
  assert.deepEqual(written, ["forget a", "delete Sidecar a"]);
});
