import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, parkedHosts, type RenderedObject, sidecarHosts } from "@fenceline/api";
import { ParkedHosts, renderFence } from "@fenceline/render/fence";
import { fenceOf } from "../testing/mesh.ts";
import { nextStep } from "./sidecar-steps.ts";
import type { StepsSeen } from "./steps-seen.ts";

const PAUSE = 100;

/** What a fence renders in the end. */
function wanted(mode: "Enforce" | "Observe" | "Off", hosts: readonly string[], onDemand: "always" | "never" = "always") {
  return renderFence({
    fence: fenceOf({ mode }),
    hosts: hosts.map((host) => ({ host, egress: `test1/${host}`, source: "learned", expired: false })),
    labels: { app: "a" },
    config: Config.parse({ onDemand }),
    proxyVersions: [],
  }).objects;
}

/**
 * Objects over time, each set made from the one before it; hosts that begin with `web` are HTTP.
 */
class Steps {
  present: readonly RenderedObject[] = [];
  nextStepIn: number | undefined;
  readonly #parked = new ParkedHosts();
  readonly #without: Pick<StepsSeen, "unfenced" | "named">;
  #clock = 0;

  constructor(without: Pick<StepsSeen, "unfenced" | "named"> = {}) {
    this.#without = without;
  }

  to(objects: readonly RenderedObject[], after = 0): this {
    this.#clock += after;
    this.#see();
    const isHttp = (egress: string) => egress.startsWith("test1/web");
    const step = nextStep(this.present, objects, { parked: this.#parked, isHttp, pause: PAUSE, clock: this.#clock, ...this.#without });
    this.present = step.objects;
    this.nextStepIn = step.nextStepIn;
    this.#see();
    return this;
  }

  get kinds() {
    return this.present.map(({ kind }) => kind);
  }

  get all() {
    return { shown: this.present.flatMap(sidecarHosts), parked: this.present.flatMap(parkedHosts) };
  }

  get hosts() {
    return { shown: this.present.flatMap(sidecarHosts).slice(2), parked: this.present.flatMap(parkedHosts) };
  }

  #see(): void {
    this.#parked.see(
      this.present.find((object) => object.kind === "Sidecar"),
      this.#clock,
      this.#without.unfenced,
    );
  }
}

/** A fence in force. */
function enforced(hosts: readonly string[], onDemand: "always" | "never" = "always"): Steps {
  const steps = new Steps().to(wanted("Enforce", hosts, onDemand)).to(wanted("Enforce", hosts, onDemand), PAUSE);
  assert.deepEqual([steps.present, steps.nextStepIn], [wanted("Enforce", hosts, onDemand), undefined]);
  return steps;
}

test("an HTTP host comes in one step where the Envoys have the on_demand filter, and any other in two", () => {
  const steps = enforced([]).to(wanted("Enforce", ["web", "db"]));
  assert.deepEqual(steps.hosts, { shown: ["test1/web"], parked: ["test1/db"] });
  assert.equal(steps.nextStepIn, PAUSE);
  assert.deepEqual(steps.to(wanted("Enforce", ["web", "db"]), PAUSE).present, wanted("Enforce", ["web", "db"]));
});

test("without the filter every host comes in two steps, also where the filter comes with it", () => {
  for (const onDemand of ["never", "always"] as const) {
    const steps = enforced([], "never").to(wanted("Enforce", ["web"], onDemand));
    assert.deepEqual(steps.hosts, { shown: [], parked: ["test1/web"] });
  }
});

test("a fence that is switched off keeps what catches calls until every Envoy knows the whole mesh", () => {
  for (const mode of ["Off", "Observe"] as const) {
    const before = wanted("Enforce", ["web"]);
    const [filter] = before;
    const steps = enforced(["web"]).to(wanted(mode, ["web"]));
    assert.deepEqual([steps.hosts, steps.present[0]], [{ shown: ["test1/web"], parked: ["*/*"] }, filter]);
    assert.deepEqual(steps.to(wanted(mode, ["web"]), PAUSE).present, [filter]);
    assert.equal(steps.nextStepIn, PAUSE);
    assert.deepEqual(steps.to(wanted(mode, ["web"]), PAUSE - 1).present, [filter]);
    assert.deepEqual([steps.to(wanted(mode, ["web"]), 1).present, steps.nextStepIn], [wanted(mode, ["web"]), undefined]);
  }
});

test("a fence that is switched on again meanwhile is in force at once", () => {
  const steps = enforced(["web"])
    .to([])
    .to(wanted("Enforce", ["web"]), 1);
  assert.deepEqual(steps.hosts.shown, ["test1/web"]);
  assert.deepEqual(steps.to(wanted("Enforce", ["web"]), 2 * PAUSE).present, wanted("Enforce", ["web"]));
});

const { namespace, clusterDomain } = Config.parse({});
const NAMED = ["fenceline-collector", "global-sidecar"].map((name) => `${namespace}/${name}.${namespace}.svc.${clusterDomain}`);

/** What a fence renders that names Services one by one, as in a cluster. */
const exact = renderFence({
  fence: fenceOf({ mode: "Enforce" }),
  hosts: [...NAMED, "test1/web"].map((egress) => ({ host: egress, egress, source: "mesh", expired: false })),
  ...{ labels: { app: "a" }, config: Config.parse({ onDemand: "always" }), proxyVersions: [], exact: true },
}).objects;
const BOTH = ["EnvoyFilter", "Sidecar"];

test("issue 16: beside a default Sidecar that shows Fenceline no more is parked than it shows", () => {
  const unfenced = ["fenceline/*", "test1/*"];
  const steps = new Steps({ unfenced, named: NAMED }).to(exact);
  assert.deepEqual([steps.kinds, steps.all], [BOTH, { shown: [...NAMED, "test1/web"], parked: unfenced }]);
  steps.to(exact, PAUSE).to([], PAUSE);
  assert.deepEqual(steps.all, { shown: [...NAMED, "test1/web"], parked: unfenced });
  assert.deepEqual(steps.to([], PAUSE).kinds, ["EnvoyFilter"]);
  assert.deepEqual(steps.to([], PAUSE).kinds, []);
});

test("issue 16: where the default Sidecar hides what the filter names, the filter is there only while a Sidecar of ours has the clusters", () => {
  const unfenced = ["test1/*", "test2/*"];
  const between = { shown: unfenced, parked: NAMED };
  const steps = new Steps({ unfenced, named: NAMED }).to(exact);
  assert.deepEqual([steps.kinds, steps.all, steps.nextStepIn], [["Sidecar"], between, PAUSE]);
  assert.deepEqual([steps.to(exact, PAUSE - 1).kinds, steps.nextStepIn], [["Sidecar"], 1]);
  steps.to(exact, 1);
  assert.deepEqual([steps.kinds, steps.all], [BOTH, { shown: [...NAMED, "test1/web"], parked: unfenced }]);
  assert.deepEqual([steps.to(exact, PAUSE).present, steps.nextStepIn], [exact, undefined]);
  assert.deepEqual(steps.to([], 1).all.parked, [...NAMED, ...unfenced]);
  steps.to([], PAUSE);
  assert.deepEqual([steps.kinds, steps.all, steps.nextStepIn], [BOTH, between, PAUSE]);
  assert.deepEqual([steps.to([], PAUSE - 1).kinds, steps.nextStepIn], [BOTH, 1]);
  assert.deepEqual([steps.to([], 1).kinds, steps.nextStepIn], [[], undefined]);
});

test("issue 16: a fence that is switched on again while its filter is about to go keeps it", () => {
  const steps = new Steps({ unfenced: ["test1/*"], named: NAMED }).to(exact).to(exact, PAUSE).to(exact, PAUSE);
  steps.to([], 1).to([], PAUSE).to(exact, 1);
  assert.deepEqual([steps.kinds, steps.all.shown], [BOTH, [...NAMED, "test1/web"]]);
});
